/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whoever reads a length, a number or a size from an image holds it against its limit here, and what was reached is
 * noted on the way, so that the index can say what the image came to (limit_reached.c).
 *
 * Memory is bounded by budgets everywhere it is spent; the look at the heap is for what nobody thought of. It counts
 * what malloc gave out since the opening began, not pages: a process that had much before is not blamed for it.
 */
#include "limit.h"

#include <malloc.h>
#include <stdio.h>
#include <time.h>

#include <peel/error.h>

#include "util.h"

/** Time and memory are looked at this often, milliseconds. */
#define LOOK_MS 100
/** A zstd window may have this part of the memory: its decoder, its output and all the rest need room too. */
#define WINDOW_PART 4
/** Greatest window of the format that zstd decodes, as a power of two. */
#define WINDOW_LOG_MAX 31

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static size_t heap_bytes(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

void limits_begin(struct limit_watch *watch, const struct peel_limits *asked)
{
	*watch = (struct limit_watch){.started = now_ms(), .heap = heap_bytes()};
	for (unsigned i = 0; i < PEEL_LIMITS; i++) {
		watch->asked.values[i] = peel_limit_value(asked, (enum peel_limit)i);
	}
}

void limits_restart(struct limit_watch *watch)
{
	watch->started = now_ms();
}

void limits_begin_widest(struct limit_watch *watch)
{
	limits_begin(watch, NULL);
	for (unsigned i = 0; i < PEEL_LIMITS; i++) {
		watch->asked.values[i] = peel_limit_info(i)->most;
	}
}

uint64_t limits_value(const struct limit_watch *watch, enum peel_limit limit)
{
	return watch ? watch->asked.values[limit] : peel_limit_info(limit)->standard;
}

static void note(struct limit_watch *watch, enum peel_limit limit, uint64_t value)
{
	unsigned long long before = atomic_load_explicit(&watch->reached[limit],
		memory_order_relaxed);

	while (before < value &&
		!atomic_compare_exchange_weak_explicit(&watch->reached[limit], &before, value,
			memory_order_relaxed, memory_order_relaxed)) {
	}
}

static int fail(const struct limit_watch *watch, enum peel_limit limit, uint64_t value,
	struct peel_error *err)
{
	const struct peel_limit_info *info = peel_limit_info(limit);
	const uint64_t most = limits_value(watch, limit);
	char shown[PEEL_LIMIT_TEXT];
	char shown_most[PEEL_LIMIT_TEXT];

	peel_limit_text(shown, limit, value);
	peel_limit_text(shown_most, limit, most);
	return most < info->most
		? peel_fail(err, PEEL_ELIMIT,
			  "%s: %s is over the limit of %s (--limit %s=N raises it)", info->name,
			  shown, shown_most, info->name)
		: peel_fail(err, PEEL_ELIMIT, "%s: %s is over the limit of %s (%s)", info->name,
			  shown, shown_most, info->bound);
}

int limits_fail(struct limit_watch *watch, enum peel_limit limit, uint64_t value,
	struct peel_error *err)
{
	if (watch) {
		atomic_fetch_or(peel_limit_info(limit)->end == PEEL_LIMIT_CUTS ? &watch->cut
									       : &watch->stopped,
			1u << limit);
	}
	return fail(watch, limit, value, err);
}

int limits_fail_window(struct limit_watch *watch, uint64_t window, struct peel_error *err)
{
	char shown[PEEL_LIMIT_TEXT];

	if (watch) {
		atomic_fetch_or(&watch->cut, 1u << PEEL_LIMIT_MEMORY);
	}
	fail(watch, PEEL_LIMIT_MEMORY,
		window > UINT64_MAX / WINDOW_PART ? UINT64_MAX - 1 : window * WINDOW_PART, err);
	peel_limit_text(shown, PEEL_LIMIT_MEMORY, window);
	(void)peel_wrap(err, "a zstd window of %s", shown);
	return PEEL_ELIMIT;
}

bool limits_stopped(const struct limit_watch *watch)
{
	return watch && atomic_load(&watch->stopped) != 0;
}

int limits_count(struct limit_watch *watch, enum peel_limit limit, uint64_t value,
	struct peel_error *err)
{
	return value <= limits_value(watch, limit) ? 0 : limits_fail(watch, limit, value, err);
}

int limits_check(struct limit_watch *watch, enum peel_limit limit, uint64_t value,
	struct peel_error *err)
{
	if (watch) {
		note(watch, limit, value);
	}
	return limits_count(watch, limit, value, err);
}

int limits_decoded(struct limit_watch *watch, uint64_t in, uint64_t out, struct peel_error *err)
{
	uint64_t all_in;
	uint64_t all_out;
	int code;

	if (!watch) {
		return 0;
	}
	all_in = atomic_fetch_add_explicit(&watch->in, in, memory_order_relaxed) + in;
	all_out = atomic_fetch_add_explicit(&watch->out, out, memory_order_relaxed) + out;
	code = limits_check(watch, PEEL_LIMIT_TOTAL_BYTES, all_out, err);
	if (code < 0 || all_out <= limits_value(watch, PEEL_LIMIT_RATIO_FROM)) {
		return code;
	}
	return limits_check(watch, PEEL_LIMIT_RATIO, all_out / max_u64(all_in, 1), err);
}

void limits_forget_decoded(struct limit_watch *watch)
{
	static const enum peel_limit sums[] = {PEEL_LIMIT_RATIO, PEEL_LIMIT_TOTAL_BYTES};

	atomic_store(&watch->in, 0);
	atomic_store(&watch->out, 0);
	for (size_t i = 0; i < countof(sums); i++) {
		atomic_store(&watch->reached[sums[i]], 0);
	}
}

int limits_tick(struct limit_watch *watch, struct peel_error *err)
{
	const int64_t now = watch ? now_ms() : 0;
	long long before = watch ? atomic_load_explicit(&watch->looked, memory_order_relaxed) : 0;
	size_t heap;
	int code;

	/* Of several threads one looks. */
	if (!watch || now - before < LOOK_MS ||
		!atomic_compare_exchange_strong(&watch->looked, &before, now)) {
		return 0;
	}
	code = limits_check(watch, PEEL_LIMIT_TIME, (uint64_t)(now - watch->started) / 1000, err);
	if (code < 0) {
		return code;
	}
	heap = heap_bytes();
	return limits_count(watch, PEEL_LIMIT_MEMORY, heap > watch->heap ? heap - watch->heap : 0,
		err);
}

unsigned int limits_window_log(const struct limit_watch *watch)
{
	const uint64_t part = limits_value(watch, PEEL_LIMIT_MEMORY) / WINDOW_PART;
	unsigned int log = WINDOW_LOG_MAX;

	while (UINT64_C(1) << log > part) {
		log--;
	}
	return log;
}

void limits_note_window(struct limit_watch *watch, uint64_t window)
{
	if (watch) {
		note(watch, PEEL_LIMIT_MEMORY, window * WINDOW_PART);
	}
}
