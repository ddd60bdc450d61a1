/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a caged process may ask of the one that started it (index_child.h), and what the two say to each other.
 *
 * A broker is a socket that stands where a folder's descriptor stands otherwise: code that makes files without a
 * name, or opens the blobs of a layout, is given a descriptor and asks broker_is. Copies of it (dup, fcntl) are as
 * good. Any thread may ask at any time.
 *
 * Both structures are of one size and hold no pointers, and each side takes the other's for hostile.
 */
#ifndef BROKER_H
#define BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <peel/error.h>

/** Room for a path below a layout with its NUL; as IMAGE_NAME_MAX. */
#define BROKER_TEXT 4096
/** Bytes of a message that are sent where it has no text. */
#define BROKER_SHORT offsetof(struct broker_message, text)

/** What a message is about. */
enum broker_kind {
	/** Question: a file without a name in the broker's folder. */
	BROKER_FILE = 1,
	/** Question: a file without a name in place number (store_place.h), because the disk is full. */
	BROKER_PLACE,
	/** Question: the file that text names below the layout, links resolved. The answer's text is its path. */
	BROKER_BLOB,
	/**
	 * Question: index number of the cache, the last used one first. EAGAIN: this one cannot be had; ENOENT: the
	 * end.
	 */
	BROKER_KNOWN,
	/** Told: text is what is being done, values are bytes done and in all. */
	BROKER_PROGRESS,
	/**
	 * Told, at the end: number is 0 or an enum peel_code with the message in text; values by agreement of both.
	 */
	BROKER_DONE,
	/** Question, as KNOWN: the facts of that index, by what is looked for now. */
	BROKER_KNOWN_FACTS,
};

/** Numbers in a message. */
#define BROKER_VALUES 6

/** A question, an answer, or what is told. */
struct broker_message {
	/** An enum broker_kind; in an answer that of the question. */
	uint32_t kind;
	/** In an answer: 0, errno, or (BLOB) an enum peel_code with the message in text. */
	int32_t number;
	uint64_t values[BROKER_VALUES];
	/** Bytes of text, without a NUL. */
	uint32_t text_len;
	char text[BROKER_TEXT];
};

/** True where a descriptor is a broker and no folder. */
bool broker_is(int fd);

/** Ask for a file without a name. @return a read-write descriptor that the caller closes, or -1 with errno. */
int broker_file(int broker);

/** Ask for one in another place. @param place as store_place_file. @return as broker_file. */
int broker_place(int broker, int place);

/**
 * Ask for a file of a layout.
 * @param ret_path its path without links, the caller frees; NULL: nobody asks.
 * @return a descriptor that the caller closes; what layout_resolve gives; PEEL_EIO, PEEL_ENOMEM.
 */
int broker_blob(int broker, const char *name, char **ret_path, struct peel_error *err);

/**
 * Ask for an index of the cache. @param number from 0. @return a descriptor that the caller closes, or -1 with
 * errno.
 */
int broker_known(int broker, int number);

/** Ask for its facts. @return as broker_known. */
int broker_known_facts(int broker, int number);

/** Tell. Text is cut at BROKER_TEXT. @param values BROKER_VALUES, NULL: zeros. @return false with errno. */
bool broker_tell(int broker, enum broker_kind kind, int number, const uint64_t *values,
	const char *text);

/**
 * Take the next message.
 * @return 1; 0 the other side is gone; -1 with errno (EPROTO: it is none of the above).
 */
int broker_take(int broker, struct broker_message *ret_message);

/** Answer a question, with a descriptor or -1; does not wait for a reader. @return false with errno. */
bool broker_answer(int broker, const struct broker_message *answer, int fd);

#endif
