/* SPDX-License-Identifier: Apache-2.0 */
/** What dockerfile.c reads and dockerfile_match.c compares. */
#ifndef DOCKERFILE_PRIV_H
#define DOCKERFILE_PRIV_H

#include "dockerfile.h"

/** Most instructions of a file. */
#define DOCKERFILE_INSTRUCTIONS_MAX 4000

struct instruction {
	/** From 1. */
	int line;
	/** Continuation lines joined, heredocs behind it. */
	char *text;
};

struct dockerfile {
	/** As given, and escaped. */
	char *path, *shown;
	struct instruction *list;
	size_t count;
};

#endif
