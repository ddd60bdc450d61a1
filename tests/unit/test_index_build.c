/* SPDX-License-Identifier: Apache-2.0 */
/* An index is the same to the byte however many threads read the layers. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "layered.h"
#include "peel_test.h"
#include "util.h"

/** The index says when it was made; here that is always the same moment. */
time_t time(time_t *ret_now)
{
	if (ret_now) {
		*ret_now = 1700000000;
	}
	return 1700000000;
}

static void indexes_do_not_depend_on_threads(void **state)
{
	static const unsigned workers[] = {1, 2, 8};
	struct imagemaker maker = {0};
	const char *path;

	(void)state;
	layered_make(&maker, LAYERED_FIRST);
	path = imagemaker_write_tar(&maker, IMAGEMAKER_PLAIN);
	for (int verify = 0; verify < 2; verify++) {
		struct built first = layered_build(path, workers[0], verify, -1, NULL, NULL, 0);

		assert_true(first.len > 100000);
		for (size_t i = 1; i < countof(workers); i++) {
			struct built other = layered_build(path, workers[i], verify, -1, NULL, NULL,
				0);

			assert_int_equal(other.len, first.len);
			assert_memory_equal(other.bytes, first.bytes, first.len);
			free(other.bytes);
		}
		free(first.bytes);
	}
	imagemaker_finish(&maker);
}

/** What the progress said. */
struct told {
	uint64_t done, total;
	unsigned calls;
	/** Cancel at this call; 0: never. */
	unsigned cancel;
};

static int take_progress(void *arg, const char *what, uint64_t done, uint64_t total)
{
	struct told *told = arg;

	assert_memory_equal(what, "layer ", 6);
	assert_true(done >= told->done && done <= total);
	assert_true(told->total == 0 || told->total == total);
	told->done = done;
	told->total = total;
	return ++told->calls == told->cancel;
}

static void progress_ascends_to_the_end_and_may_cancel(void **state)
{
	struct imagemaker maker = {0};
	struct told told = {0};
	const char *path;

	(void)state;
	layered_make(&maker, LAYERED_FIRST);
	path = imagemaker_write_tar(&maker, IMAGEMAKER_PLAIN);
	free(layered_build(path, 2, false, -1, take_progress, &told, 0).bytes);
	assert_true(told.calls > 0 && told.total > 0);
	assert_true(told.done == told.total);
	told = (struct told){.cancel = 1};
	free(layered_build(path, 2, false, -1, take_progress, &told, PEEL_ECANCELED).bytes);
	assert_int_equal(told.calls, 1);
	imagemaker_finish(&maker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(indexes_do_not_depend_on_threads),
		cmocka_unit_test(progress_ascends_to_the_end_and_may_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
