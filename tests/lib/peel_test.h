/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What every unit test includes: cmocka behind the headers that it needs, in its order.
 */
#ifndef PEEL_TEST_H
#define PEEL_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <peel/error.h>

/** A call that must succeed; where it does not, its message is the report. */
#define assert_good(call, err) \
	do { \
		int64_t good_ = (call); \
		if (good_ < 0) { \
			fail_msg("%s: %s (%d)", #call, (err)->message, (int)good_); \
		} \
	} while (0)

/** A failure of a kind, with a message that holds a text. */
#define assert_failure(call, wanted, err, text) \
	do { \
		assert_int_equal(call, wanted); \
		assert_int_equal((err)->code, wanted); \
		if (!strstr((err)->message, text)) { \
			fail_msg("\"%s\" is not in \"%s\"", text, (err)->message); \
		} \
	} while (0)

#endif
