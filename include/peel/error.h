/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The one error model of peel.
 *
 * Functions return an int (or ssize_t): 0 or more is good, less than 0 is an enum peel_code.
 * Iterators return 1 for an item, 0 at the end, less than 0 for an error. The last parameter is a
 * struct peel_error that takes the code and a message; it may be NULL. The library never prints.
 */
#ifndef PEEL_ERROR_H
#define PEEL_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** Longest message kept, in bytes with its NUL; longer ones are cut. */
#define PEEL_MESSAGE_SIZE 768

/** What went wrong. */
enum peel_code {
	PEEL_OK = 0,
	/** Memory is exhausted. */
	PEEL_ENOMEM = -1,
	/** The operating system failed to read or write; the message holds strerror. */
	PEEL_EIO = -2,
	/** No such path, reference, layer or file. */
	PEEL_ENOENT = -3,
	/** The caller asked for something that makes no sense. */
	PEEL_EUSAGE = -4,
	/** The bytes are not what the format demands: corrupt or hostile. */
	PEEL_EFORMAT = -5,
	/** Well-formed but not supported: foreign or encrypted layer, unknown compression. */
	PEEL_EUNSUPPORTED = -6,
	/** A named limit was reached. */
	PEEL_ELIMIT = -7,
	/** A digest or a size differs from what the image claims. */
	PEEL_EDIGEST = -8,
	/** Several images match, or the file can be read as two images. */
	PEEL_EAMBIGUOUS = -9,
	/** The image file changed since it was opened or indexed. */
	PEEL_ECHANGED = -10,
	/** Not permitted. */
	PEEL_EACCES = -11,
	/** The bytes end too early. */
	PEEL_ETRUNCATED = -12,
	/** A path component is not a folder. */
	PEEL_ENOTDIR = -13,
	/** The path is a folder where a file is wanted. */
	PEEL_EISDIR = -14,
	/** Too many symlinks on the way. */
	PEEL_ELOOP = -15,
	/** The caller's callback asked to stop. */
	PEEL_ECANCELED = -16,
	/** SQLite failed in a way that input cannot explain. */
	PEEL_EINTERNAL = -17,
	/** Part of the image could not be read, and the caller did not allow that. */
	PEEL_EINCOMPLETE = -18,
};

/** A failure: code and message, no allocation. {0} is valid and means no failure. */
struct peel_error {
	/** An enum peel_code. */
	int code;
	/** One line without a final dot; image bytes in it are escaped. */
	char message[PEEL_MESSAGE_SIZE];
};

/**
 * Set code and message (printf form) of an error.
 * @param err may be NULL.
 * @return code, so that `return peel_fail(err, PEEL_EFORMAT, "…")` works.
 */
int peel_fail(struct peel_error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * Put context before the message of a failure: "context: message".
 * @return the code that err holds, or PEEL_EINTERNAL if err is NULL or holds none.
 */
int peel_wrap(struct peel_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * A short English phrase for a code, for messages that have none.
 * @return a static string, never NULL.
 */
const char *peel_strerror(int code);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
