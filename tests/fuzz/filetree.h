/* SPDX-License-Identifier: Apache-2.0 */
/**
 * An index that is not there: files of the fuzzer's bytes, behind the questions that readers of package databases ask
 * (query.h). The linker puts these functions in the place of the real ones (--wrap, see meson.build), so that a tree
 * costs no SQLite. There is one tree at a time.
 */
#ifndef FILETREE_H
#define FILETREE_H

#include <stddef.h>
#include <stdint.h>

#include "fuzz.h"

/** Most nodes of a tree, folders included. */
#define FILETREE_MAX 96

/** Begin an empty tree. */
void filetree_begin(void);
/**
 * Add a file with the folders above it; what is there already, or does not fit, is left out. Bytes stay the caller's.
 * @param path of any bytes: components that no folder could hold are left out. One that ends in "@" is a symlink, whose
 *   target the bytes are; "*" is a file that says to be a program of Go and Rust.
 */
void filetree_add(const uint8_t *path, size_t path_len, const uint8_t *bytes, size_t len);
/** Add all files of an input: "PATH\nBYTES", with the byte 0x1e between them. */
void filetree_read(struct fuzz_input *input);
/** What a number is: 1 a regular file, 0 something else, -1 nothing. */
int filetree_kind(uint64_t ino);
/** Bytes of all files. */
uint64_t filetree_bytes(void);
/** The next program from a number on, 0: there is none. */
uint64_t filetree_program(uint64_t from);

#endif
