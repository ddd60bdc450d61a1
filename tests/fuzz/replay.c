/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run a fuzz target without libFuzzer: every file given, or in a folder given, in the order of their names, and then a
 * number of cheap mutations of them, the same ones in every run.
 *
 *	replay_NAME [--mutations N] [--max-len N] FILE|FOLDER...
 *
 * Status 0 where nothing happened. A crash, a failed check or an input that takes longer than INPUT_SECONDS ends the
 * program by its signal; the input is then in the file crash-replay of the working folder.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

/* As libFuzzer is told to allow; a sanitizer's slowness is in it. */
#define INPUT_SECONDS 20
/* Longest input, bytes; longer files are cut. */
#define INPUT_MAX (1u << 20)
/* Most memory of the whole run, KiB; a sanitizer keeps some for itself. */
#define MEMORY_MAX (512l << 10)
/* Most changes of one mutation. */
#define CHANGES_MAX 5

struct file {
	char *path;
	uint8_t *bytes;
	size_t len;
};

static struct file *files;
static size_t file_count;
static uint8_t input[INPUT_MAX];
static size_t input_len, max_len = INPUT_MAX;
static uint64_t state = 1;

/* Targets may lack them. */
#pragma weak LLVMFuzzerCustomMutator
#pragma weak LLVMFuzzerInitialize

static uint32_t random_below(size_t limit)
{
	/* Knuth's constants, the upper half. */
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((state >> 33) % limit);
}

static uint8_t odd_byte(void)
{
	static const uint8_t odd[] = {
		0, 1, 0x20, '"', '.', '/', '0', '7', '\\', 0x7f, 0x80, 0xfe, 0xff};

	return random_below(2) ? odd[random_below(sizeof(odd))] : (uint8_t)random_below(256);
}

/* A piece of the input moves, is said twice, or goes. */
static size_t change_piece(uint8_t *data, size_t len, size_t limit)
{
	const size_t from = random_below(len), to = random_below(len);
	size_t piece = random_below(len - (from > to ? from : to)) % 64 + 1;

	switch (random_below(3)) {
	case 0:
		memmove(data + to, data + from, piece);
		return len;
	case 1:
		memmove(data + from, data + from + piece, len - from - piece);
		return len - piece;
	default:
		piece = piece < limit - len ? piece : limit - len;
		memmove(data + from + piece, data + from, len - from);
		return len + piece;
	}
}

size_t LLVMFuzzerMutate(uint8_t *data, size_t len, size_t limit)
{
	for (uint32_t changes = random_below(CHANGES_MAX) + 1; changes; changes--) {
		const size_t at = len ? random_below(len) : 0;

		if (len == 0) {
			data[len++] = odd_byte();
		} else if (random_below(8) == 0) {
			len = change_piece(data, len, limit);
		} else if (random_below(32) == 0) {
			len = at;
		} else if (random_below(2)) {
			data[at] = odd_byte();
		} else {
			data[at] ^= (uint8_t)(1u << random_below(8));
		}
	}
	return len;
}

/* Keep the input, and die of the same signal. Calls only what may be called here. */
static void keep(int number)
{
	static const char message[] = "the input is in crash-replay\n";
	const int fd = open("crash-replay", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd >= 0 && write(fd, input, input_len) == (ssize_t)input_len) {
		(void)!write(STDERR_FILENO, message, sizeof(message) - 1);
	}
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

static void run_input(void)
{
	uint8_t *copy = malloc(input_len ? input_len : 1);

	if (!copy) {
		exit(2);
	}
	/* Of its exact length, so that a sanitizer sees a read past its end. */
	memcpy(copy, input, input_len);
	(void)alarm(INPUT_SECONDS);
	(void)LLVMFuzzerTestOneInput(copy, input_len);
	(void)alarm(0);
	free(copy);
}

static void add_file(const char *path)
{
	FILE *stream = fopen(path, "rb");
	struct file *file;

	files = realloc(files, (file_count + 1) * sizeof(*files));
	file = files ? &files[file_count] : NULL;
	if (!stream || !file || !(file->bytes = malloc(max_len)) || !(file->path = strdup(path))) {
		perror(path);
		exit(2);
	}
	file_count++;
	file->len = fread(file->bytes, 1, max_len, stream);
	(void)fclose(stream);
}

static int is_plain(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void add_path(const char *path)
{
	struct dirent **names = NULL;
	struct stat st;
	int count;

	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
		add_file(path);
		return;
	}
	count = scandir(path, &names, is_plain, alphasort);
	for (int i = 0; i < count; i++) {
		char *inner = NULL;

		if (asprintf(&inner, "%s/%s", path, names[i]->d_name) < 0) {
			exit(2);
		}
		add_path(inner);
		free(inner);
		free(names[i]);
	}
	free(names);
}

static void run_mutations(unsigned long mutations)
{
	for (unsigned long i = 0; i < mutations && file_count; i++) {
		const struct file *file = &files[i % file_count];

		memcpy(input, file->bytes, file->len);
		if (LLVMFuzzerCustomMutator && random_below(4)) {
			input_len = LLVMFuzzerCustomMutator(input, file->len, max_len,
				random_below(INT32_MAX));
		} else {
			input_len = LLVMFuzzerMutate(input, file->len, max_len);
		}
		run_input();
	}
}

int main(int argc, char **argv)
{
	static const int signals[] = {SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP};
	unsigned long mutations = 0;
	struct rusage usage;

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		(void)signal(signals[i], keep);
	}
	if (LLVMFuzzerInitialize) {
		(void)LLVMFuzzerInitialize(&argc, &argv);
	}
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--mutations") == 0 && i + 1 < argc) {
			mutations = strtoul(argv[++i], NULL, 10);
		} else if (strcmp(argv[i], "--max-len") == 0 && i + 1 < argc) {
			max_len = strtoul(argv[++i], NULL, 10) % (INPUT_MAX + 1);
		} else {
			add_path(argv[i]);
		}
	}
	for (size_t i = 0; i < file_count; i++) {
		input_len = files[i].len;
		memcpy(input, files[i].bytes, input_len);
		run_input();
	}
	run_mutations(mutations);
	(void)getrusage(RUSAGE_SELF, &usage);
	(void)printf("%zu files, %lu mutations, %ld KiB\n", file_count, mutations, usage.ru_maxrss);
	for (size_t i = 0; i < file_count; i++) {
		free(files[i].path);
		free(files[i].bytes);
	}
	free(files);
#ifndef __SANITIZE_ADDRESS__
	if (usage.ru_maxrss > MEMORY_MAX) {
		(void)fprintf(stderr, "too much memory\n");
		return 1;
	}
#endif
	return file_count ? 0 : 2;
}
