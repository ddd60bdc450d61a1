/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces come back from the file as they were, or it is said that they do not. */
#include "spill.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fault.h"
#include "peel_test.h"
#include "compress.h"
#include "util.h"

#define PIECES 60

struct work {
	struct spill *spill;
	unsigned seed;
	int code;
};

/** Every third piece has bytes that cannot be packed. */
static size_t make_piece(unsigned seed, unsigned i, uint8_t *bytes)
{
	size_t len = i == 5 ? SPILL_PIECE_MAX : (seed * 31 + i * 977) % SPILL_PIECE_MAX;
	uint32_t state = seed + i + 1;

	for (size_t at = 0; at < len; at++) {
		bytes[at] = i % 3 ? (uint8_t)(at / 100) : (uint8_t)test_random(&state, 256);
	}
	return len;
}

static void *put_and_get(void *arg)
{
	struct work *work = arg;
	struct spill_place places[PIECES];
	cleanup_free uint8_t *bytes = malloc(SPILL_PIECE_MAX);
	cleanup_free uint8_t *back = malloc(SPILL_PIECE_MAX);
	struct peel_error err = {0};

	for (unsigned i = 0; work->code == 0 && i < PIECES; i++) {
		work->code = spill_put(work->spill, bytes, make_piece(work->seed, i, bytes),
			&places[i], &err);
	}
	for (unsigned i = 0; work->code == 0 && i < PIECES; i++) {
		size_t len = make_piece(work->seed, i, bytes);

		work->code = spill_get(work->spill, &places[i], back, len, &err);
		if (work->code == 0 && memcmp(bytes, back, len) != 0) {
			work->code = 1;
		}
	}
	return NULL;
}

static void pieces_of_many_threads_come_back(void **state)
{
	cleanup_fd int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct peel_error err = {0};
	struct work works[4];
	pthread_t threads[countof(works)];
	struct spill *spill = NULL;

	(void)state;
	assert_good(spill_new(folder, &spill, &err), &err);
	for (unsigned i = 0; i < countof(works); i++) {
		works[i] = (struct work){.spill = spill, .seed = i};
		assert_int_equal(pthread_create(&threads[i], NULL, put_and_get, &works[i]), 0);
	}
	for (unsigned i = 0; i < countof(works); i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(works[i].code, 0);
	}
	spill_free(spill);
}

static void pieces_are_packed(void **state)
{
	cleanup_fd int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_free uint8_t *bytes = malloc(SPILL_PIECE_MAX);
	struct peel_error err = {0};
	struct spill *spill = NULL;
	struct spill_place place;
	size_t len = make_piece(0, 5, bytes);

	(void)state;
	assert_good(spill_new(folder, &spill, &err), &err);
	assert_good(spill_put(spill, bytes, len, &place, &err), &err);
	assert_true(place.packed < len / 10);
	/* A place that is not one. */
	place.packed -= 10;
	assert_failure(spill_get(spill, &place, bytes, len, &err), PEEL_EIO, &err, "damaged");
	place.offset += 1000000;
	assert_failure(spill_get(spill, &place, bytes, len, &err), PEEL_EIO, &err,
		"ends too early");
	spill_free(spill);
}

static void what_cannot_be_written_is_told(void **state)
{
	/* A folder where nothing can be made. */
	cleanup_fd int folder = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct peel_error err = {0};
	struct spill *spill = NULL;
	struct spill_place place;

	(void)state;
	assert_good(spill_new(folder, &spill, &err), &err);
	assert_failure(spill_put(spill, "x", 1, &place, &err), PEEL_EIO, &err,
		"cannot make a temporary file");
	spill_free(spill);
}

static int put_one(struct peel_error *err)
{
	cleanup_fd int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_free uint8_t *bytes = calloc(1, 1000);
	struct spill_place place;
	struct spill *spill = NULL;
	int code = bytes ? spill_new(folder, &spill, err) : PEEL_ENOMEM;

	if (code == 0) {
		code = spill_put(spill, bytes, 1000, &place, err);
	}
	if (code == 0) {
		code = spill_get(spill, &place, bytes, 1000, err);
	}
	spill_free(spill);
	return code;
}

static void out_of_memory_is_told(void **state)
{
	(void)state;
	if (!fault_alloc_works()) {
		skip();
	}
	for (unsigned n = 1;; n++) {
		struct peel_error err = {0};
		int code;

		fault_alloc(n);
		code = put_one(&err);
		if (!fault_alloc_hit()) {
			assert_good(code, &err);
			break;
		}
		assert_true(code == 0 || code == PEEL_ENOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_of_many_threads_come_back),
		cmocka_unit_test(pieces_are_packed),
		cmocka_unit_test(what_cannot_be_written_is_told),
		cmocka_unit_test(out_of_memory_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
