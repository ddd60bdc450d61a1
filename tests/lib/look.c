/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints what the readers of file formats see, one line a fact, for tests that hold it against other tools: look MODE
 * FILE...
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <peel/error.h>

#include "facts_look.h"
#include "facts_wanted.h"
#include "util.h"

static int read_file(void *arg, uint64_t offset, void *buf, size_t len, struct peel_error *err)
{
	const ssize_t got = pread(*(int *)arg, buf, len, (off_t)offset);

	return got == (ssize_t)len ? 0
				   : peel_fail(err, PEEL_EIO, "read %zu at %" PRIu64, len, offset);
}

static void tell_need(void *arg, const char *name)
{
	(void)arg;
	printf("need %s\n", name);
}

static void tell_symbol(void *arg, const char *name, bool defined)
{
	(void)arg;
	printf("symbol %c %s\n", defined ? 'D' : 'U', name);
}

static void tell_section(void *arg, const char *name, uint64_t offset, uint64_t bytes)
{
	(void)arg;
	printf("section %" PRIx64 " %" PRIx64 " %s\n", offset, bytes, name);
}

static void tell_gpu(void *arg, const char *arch, uint64_t bytes)
{
	(void)arg;
	printf("gpu %s %" PRIu64 "\n", arch, bytes);
}

static int look_at_elf(const struct facts_file *file)
{
	static const struct facts_symbol symbols[] = {
		{"malloc", false}, {"Py_", true}, {"_ZN", true}, {"_init", false}, {"main", false}};
	static const struct facts_wanted wanted = {
		.symbols = symbols, .symbol_count = countof(symbols)};
	static const struct facts_elf_sink sink = {
		tell_need, tell_symbol, tell_section, tell_gpu, NULL};
	struct facts_elf elf;
	struct peel_error err = {0};
	int result = facts_elf_look(file, &wanted, &sink, &elf, &err);

	if (result <= 0) {
		printf("elf %d %s\n", result, err.message);
		return result;
	}
	printf("elf %d %u %u %x\n", elf.bits, elf.machine, elf.type, elf.flags);
	printf("bytes %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", elf.debug_bytes, elf.strip_bytes,
		elf.end);
	printf("interp %s\nsoname %s\nrunpath %s\nbuild %s\n", elf.interp, elf.soname, elf.runpath,
		elf.build_id);
	return result;
}

static int tell_member(void *arg, const struct facts_member *member)
{
	(void)arg;
	printf("member %" PRIu64 " %" PRIu64 " %" PRIu64 " %u ", member->stored, member->size,
		member->offset, member->method);
	for (size_t i = 0; i < member->name_len; i++) {
		printf("%02x", (unsigned char)member->name[i]);
	}
	printf("\n");
	return 0;
}

static int look_at_zip(const struct facts_file *file)
{
	struct peel_error err = {0};
	const int result = facts_zip_list(file, tell_member, NULL, &err);

	printf("zip %d %s\n", result, err.message);
	return result;
}

static int look_at_ar(const struct facts_file *file)
{
	struct peel_error err = {0};
	const int result = facts_ar_list(file, tell_member, NULL, &err);

	printf("ar %d %s\n", result, err.message);
	return result;
}

static int look_at_bundle(const struct facts_file *file)
{
	struct peel_error err = {0};
	uint64_t offset = 0;
	const int result = facts_bundle_look(file, &offset, &err);

	printf("bundle %d %" PRIu64 " %s\n", result, offset, err.message);
	return result;
}

/* Read a member unpacked, for as much as there is room, and print it in hex. */
static int tell_unpacked(void *arg, const struct facts_member *member)
{
	static unsigned char bytes[1 << 20];
	struct peel_error err = {0};
	const int64_t got = facts_zip_read(arg, member, bytes, sizeof(bytes), &err);

	printf("unpacked %" PRId64 " ", got);
	for (int64_t i = 0; i < got; i++) {
		printf("%02x", bytes[i]);
	}
	printf("\n");
	return 0;
}

static int look_at_members(const struct facts_file *file)
{
	/* The reader hands it back to us; it does not change it. */
	return facts_zip_list(file, tell_unpacked, (void *)(uintptr_t)file, NULL);
}

static const struct {
	const char *name;
	int (*look)(const struct facts_file *file);
} modes[] = {
	{"ar", look_at_ar},
	{"bundle", look_at_bundle},
	{"elf", look_at_elf},
	{"unzip", look_at_members},
	{"zip", look_at_zip},
};

static int look_at(const char *mode, const char *path)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	struct facts_file file = {.read = read_file, .arg = &fd};

	if (fd < 0 || fstat(fd, &st) < 0) {
		perror(path);
		return -1;
	}
	file.size = (uint64_t)st.st_size;
	printf("file %s\n", path);
	for (size_t i = 0; i < countof(modes); i++) {
		if (strcmp(modes[i].name, mode) == 0) {
			return modes[i].look(&file);
		}
	}
	return -1;
}

int main(int argc, char **argv)
{
	int status = argc < 3 ? 2 : 0;

	for (int i = 2; i < argc; i++) {
		if (look_at(argv[1], argv[i]) < 0) {
			status = 2;
		}
	}
	return status;
}
