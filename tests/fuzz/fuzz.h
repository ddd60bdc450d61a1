/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What every fuzz target shares. A target is one file, fuzz_NAME.c, with LLVMFuzzerTestOneInput and, where plain bytes
 * are too blunt, LLVMFuzzerCustomMutator. libFuzzer drives it where the compiler is clang and the option `fuzz` is set;
 * replay.c does in every build.
 *
 * A target keeps no state between inputs that could change what the next one does: a crash must come again when
 * its input is run alone. It reads memory, starts no thread and no process, and writes no file.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

struct source;

/* libFuzzer's interface: https://llvm.org/docs/LibFuzzer.html */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
/** Optional; called once before the first input. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
/** Optional. Change data in place. @return its new length, at most max_len. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max_len, unsigned int seed);
/** What a custom mutator calls for the plain bytes in its input. libFuzzer has it, replay.c has a simple one. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t len, size_t max_len);

/** Expect a property. Unlike assert it is there in every build: where it fails, the input is a finding. */
#define fuzz_check(condition) ((condition) ? (void)0 : fuzz_fail(#condition, __FILE__, __LINE__))

/** Say what failed, and abort. */
void fuzz_fail(const char *what, const char *file, int line) __attribute__((__noreturn__));

/** Bytes that are taken from the front, for targets that read decisions out of their input. */
struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

/** The next byte; 0 at the end. */
unsigned int fuzz_byte(struct fuzz_input *input);
/** A number below limit (which is not 0), from as few bytes as hold it; 0 at the end. */
uint32_t fuzz_below(struct fuzz_input *input, uint32_t limit);
/** The next len bytes, or as many as are left. @return how many; *ret points into the input. */
size_t fuzz_bytes(struct fuzz_input *input, size_t len, const uint8_t **ret);

/**
 * Expect text that may stand on a terminal and in a log: UTF-8 without control characters, and without what
 * changes the order of reading.
 */
void fuzz_check_text(const char *text);

/** Make the checksum of every header right that a walk from the first block comes to: for mutated tars. */
void fuzz_mend_tar(uint8_t *data, size_t len);

/**
 * In LLVMFuzzerInitialize of targets that ask SQLite: there is one thread, and nobody asks how much memory it
 * has. That is a fifth of their time.
 */
void fuzz_lone_sqlite(void);

/** A source over bytes that stay the caller's; aborts without memory. */
struct source *fuzz_source(const void *bytes, size_t len);

#endif
