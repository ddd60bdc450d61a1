/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the markers of the built-in detectors are looked for: scanspeed FILE... reads each into memory (256 MiB
 * of them all together), feeds them in pieces as a decoder would give them, each file by itself, and prints
 * processor time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <peel/audit.h>
#include <peel/error.h>

#include "audit_detectors.h"
#include "facts_scan.h"
#include "facts_wanted.h"
#include "util.h"

#define ROOM ((size_t)256 << 20)
#define FILES_MAX 100000
#define PIECE ((size_t)64 << 10)
#define ROUNDS 3

struct files {
	uint8_t *bytes;
	size_t begins[FILES_MAX + 1];
	size_t count;
};

static void read_file(struct files *files, const char *path)
{
	FILE *file = fopen(path, "rb");
	const size_t begin = files->begins[files->count];

	if (!file || files->count == FILES_MAX) {
		return;
	}
	files->begins[++files->count] = begin + fread(files->bytes + begin, 1, ROOM - begin, file);
	(void)fclose(file);
}

static void count_found(void *arg, size_t marker, uint64_t offset)
{
	(void)marker;
	(void)offset;
	++*(size_t *)arg;
}

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void scan_all(struct facts_scan *scan, const struct files *files, unsigned in)
{
	const double began = cpu_seconds();
	const size_t len = files->begins[files->count];
	size_t found = 0;

	for (size_t i = 0; i < files->count; i++) {
		facts_scan_begin(scan, in, count_found, &found);
		for (size_t at = files->begins[i]; at < files->begins[i + 1]; at += PIECE) {
			facts_scan_feed(scan, files->bytes + at,
				min_u64(PIECE, files->begins[i + 1] - at));
		}
	}
	printf("in %u: %zu files, %zu bytes, %zu found, %.2f GB/s\n", in, files->count, len, found,
		(double)len / (cpu_seconds() - began) / 1e9);
}

int main(int argc, char **argv)
{
	static struct files files;
	struct peel_detectors *detectors = NULL;
	struct facts_scanner *scanner = NULL;
	struct facts_scan *scan = NULL;
	struct peel_error err = {0};

	files.bytes = malloc(ROOM);
	if (!files.bytes || peel_detectors_load(NULL, 0, &detectors, &err) < 0 ||
		facts_scanner_new(detectors_wanted(detectors), &scanner, &err) < 0 ||
		facts_scan_new(scanner, &scan, &err) < 0) {
		(void)fprintf(stderr, "scanspeed: %s\n", err.message);
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		read_file(&files, argv[i]);
	}
	printf("%zu markers\n", detectors_wanted(detectors)->marker_count);
	for (unsigned round = 0; round < ROUNDS; round++) {
		scan_all(scan, &files, FACTS_IN_PROGRAMS);
		scan_all(scan, &files, FACTS_IN_TEXT);
		scan_all(scan, &files, 7);
	}
	facts_scan_free(scan);
	facts_scanner_free(scanner);
	peel_detectors_free(detectors);
	free(files.bytes);
	return 0;
}
