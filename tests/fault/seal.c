/* SPDX-License-Identifier: Apache-2.0 */
/* seal FILE...: give each file a new seal, as an attacker would who knows how. An old one goes. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <peel/error.h>

#include "store_seal.h"
#include "tempfile.h"

/** Bytes of a seal, and what it begins with. */
#define SEAL_SIZE 24
#define SEAL_MAGIC "peelseal"

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct peel_error err = {0};
		char magic[sizeof(SEAL_MAGIC) - 1];
		struct stat st;
		int fd = open(argv[i], O_RDWR | O_CLOEXEC);

		if (fd < 0 || fstat(fd, &st) < 0) {
			perror(argv[i]);
			return 2;
		}
		if (st.st_size > SEAL_SIZE &&
			tempfile_get(fd, magic, sizeof(magic), (uint64_t)st.st_size - SEAL_SIZE) ==
				(ssize_t)sizeof(magic) &&
			memcmp(magic, SEAL_MAGIC, sizeof(magic)) == 0 &&
			ftruncate(fd, st.st_size - SEAL_SIZE) < 0) {
			perror(argv[i]);
			return 2;
		}
		if (store_seal(fd, -1, &err) < 0) {
			fprintf(stderr, "%s: %s\n", argv[i], err.message);
			return 2;
		}
		close(fd);
	}
	return 0;
}
