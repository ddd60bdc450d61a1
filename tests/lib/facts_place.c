/* SPDX-License-Identifier: Apache-2.0 */
#include "facts_place.h"

#include <dirent.h>
#include <endian.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <peel/facts.h>
#include <peel/query.h>

#include "peel_test.h"
#include "store_seal.h"

struct place place_make(const char *image)
{
	struct place place = {.folder = "test-facts-XXXXXX", .image = image};

	assert_non_null(mkdtemp(place.folder));
	return place;
}

static void copy_file(int from, int to, const char *name)
{
	const int in = openat(from, name, O_RDONLY | O_CLOEXEC);
	const int out = openat(to, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(in >= 0 && out >= 0);
	while (sendfile(out, in, NULL, 1 << 20) > 0) {
	}
	close(in);
	close(out);
}

struct place place_copy(const struct place *from)
{
	struct place place = place_make(from->image);
	DIR *dir = opendir(from->folder);
	DIR *to = opendir(place.folder);
	struct dirent *dirent;

	assert_true(dir && to);
	while ((dirent = readdir(dir))) {
		if (dirent->d_name[0] != '.') {
			copy_file(dirfd(dir), dirfd(to), dirent->d_name);
		}
	}
	closedir(dir);
	closedir(to);
	return place;
}

void place_finish(const struct place *place)
{
	place_remove_files(place, "");
	rmdir(place->folder);
}

void place_remove_files(const struct place *place, const char *text)
{
	DIR *dir = opendir(place->folder);
	struct dirent *dirent;

	assert_non_null(dir);
	while ((dirent = readdir(dir))) {
		if (dirent->d_name[0] != '.' && strstr(dirent->d_name, text)) {
			assert_int_equal(unlinkat(dirfd(dir), dirent->d_name, 0), 0);
		}
	}
	closedir(dir);
}

bool place_find(const struct place *place, const char *text, char *path, size_t size)
{
	DIR *dir = opendir(place->folder);
	struct dirent *dirent;
	unsigned count = 0;

	assert_non_null(dir);
	while ((dirent = readdir(dir))) {
		if (strstr(dirent->d_name, text)) {
			snprintf(path, size, "%s/%s", place->folder, dirent->d_name);
			count++;
		}
	}
	closedir(dir);
	assert_true(count <= 1);
	return count == 1;
}

struct peel_index *place_open(const struct place *place)
{
	const struct peel_index_options options = {
		.cache_dir = place->folder,
		.image.cache_dir = place->folder,
		.allow_missing = true,
		.sandbox = place->sandbox,
		.facts = true,
	};
	struct peel_index *index = NULL;
	struct peel_error err = {0};

	assert_good(peel_index_open(place->image, &options, &index, &err), &err);
	assert_true(peel_has_facts(index));
	return index;
}

/** A text of all rows of a query. */
static int print_row(void *arg, int count, const char *const *names,
	const struct peel_value *values)
{
	(void)names;
	for (int i = 0; i < count; i++) {
		if (values[i].type == 'i') {
			fprintf(arg, "%lld|", (long long)values[i].integer);
		} else {
			fwrite(values[i].bytes ? values[i].bytes : "-", 1, values[i].len, arg);
			fputc('|', arg);
		}
	}
	fputc('\n', arg);
	return 0;
}

char *place_dump(const struct place *place)
{
	static const char sql[] =
		"SELECT entry, kind, hex(hash), why, package, claim, category, hex(head), looked"
		" FROM facts.file ORDER BY 1; SELECT * FROM facts.marker ORDER BY 1, 2;"
		"SELECT * FROM facts.elf ORDER BY 1; SELECT * FROM facts.need ORDER BY 1, 2;"
		"SELECT * FROM facts.symbol ORDER BY 1, 2; SELECT * FROM facts.gpu ORDER BY 1, 2;"
		"SELECT * FROM facts.member ORDER BY 1, 2; SELECT * FROM facts.archive ORDER BY 1;"
		"SELECT * FROM facts.script ORDER BY 1; SELECT * FROM facts.package ORDER BY 1;"
		"SELECT * FROM facts.package_db ORDER BY 1; SELECT * FROM facts.category ORDER BY 1;"
		"SELECT * FROM facts.about ORDER BY 1";
	struct peel_index *index = place_open(place);
	struct peel_error err = {0};
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_good(peel_sql(index, sql, print_row, out, &err), &err);
	fclose(out);
	peel_index_close(index);
	return text;
}

/** Take the seal off: what is behind the last page. */
static void unseal(int fd)
{
	uint16_t page;
	uint32_t count;

	assert_int_equal(pread(fd, &page, sizeof(page), 16), sizeof(page));
	assert_int_equal(pread(fd, &count, sizeof(count), 28), sizeof(count));
	assert_int_equal(ftruncate(fd, (off_t)be16toh(page) * be32toh(count)), 0);
}

void place_change(const struct place *place, const char *text, const char *sql)
{
	struct peel_error err = {0};
	sqlite3 *db = NULL;
	char path[400];
	int fd;

	assert_true(place_find(place, text, path, sizeof(path)));
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	unseal(fd);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_good(store_seal(fd, -1, &err), &err);
	close(fd);
}
