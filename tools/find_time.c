/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of times. As GNU find has it, -mtime and -mmin count from the moment the run began, or from midnight behind
 * -daystart: N means a window of one unit, whose older end does not belong to it.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "find.h"

#define DAY 86400
#define NANOSECONDS 1000000000

/* Times of entries and of arguments are within this; it leaves room for adding days. */
#define SECONDS_MAX ((double)(INT64_C(1) << 53))

static int compare_times(const struct find_time *a, const struct find_time *b)
{
	if (a->sec != b->sec) {
		return a->sec < b->sec ? -1 : 1;
	}
	return a->nsec < b->nsec ? -1 : a->nsec > b->nsec;
}

static struct find_time modified(const struct find_entry *entry)
{
	return (struct find_time){entry->step->node->mtime_sec, entry->step->node->mtime_nsec};
}

void find_start_day(struct find *find)
{
	struct tm day;
	time_t now = (time_t)find->now.sec;

	if (!find->full_days && localtime_r(&now, &day)) {
		find->full_days = true;
		find->day_start = (struct find_time){
			find->now.sec - (day.tm_sec + day.tm_min * 60 + day.tm_hour * 3600), 0};
	}
}

/* Seconds and nanoseconds that a count of units is before the origin. @return false where it is no number. */
static bool parse_age(const char *text, int unit, const struct find_time *origin,
	struct find_time *ret_time)
{
	double seconds;
	double fraction;
	char *end;
	double count;

	errno = 0;
	count = strtod(text, &end);
	if (errno != 0 || end == text || *end != 0 || !isfinite(count) ||
		fabs(count * unit) > SECONDS_MAX) {
		return false;
	}
	fraction = modf(count * unit, &seconds);
	ret_time->sec = origin->sec - (int64_t)seconds;
	ret_time->nsec = origin->nsec - (int64_t)(fraction * NANOSECONDS);
	if (ret_time->nsec < 0) {
		ret_time->nsec += NANOSECONDS;
		ret_time->sec--;
	} else if (ret_time->nsec >= NANOSECONDS) {
		ret_time->nsec -= NANOSECONDS;
		ret_time->sec++;
	}
	return true;
}

bool find_parse_time(struct find *find, struct find_node *node, const char *arg)
{
	int unit = node->primary->variant;
	struct find_time origin = find->day_start;

	/* The older, the more. */
	node->compare = *arg == '+' ? FIND_LESS : *arg == '-' ? FIND_MORE : FIND_EQUAL;
	if (unit != DAY) {
		origin.sec += DAY;
	} else if (node->compare == FIND_MORE) {
		origin.sec += DAY - 1;
	}
	return parse_age(arg + (node->compare != FIND_EQUAL), unit, &origin, &node->time) ||
		find_complain_argument(node, arg);
}

bool find_eval_mtime(struct find *find, const struct find_node *node,
	const struct find_entry *entry)
{
	struct find_time when = modified(entry);
	struct find_time end = {node->time.sec + node->primary->variant, node->time.nsec};
	int order = compare_times(&when, &node->time);

	(void)find;
	switch (node->compare) {
	case FIND_MORE:
		return order > 0;
	case FIND_LESS:
		return order < 0;
	default:
		return order > 0 && compare_times(&when, &end) <= 0;
	}
}

/* Links among the arguments are followed as it is set by then. */
bool find_parse_newer(struct find *find, struct find_node *node, const char *arg)
{
	(void)arg;
	node->follow = find->follow;
	return true;
}

/* The file that is compared with. */
static bool bind_file(struct find *find, struct find_node *node, struct peel_node *ret_file)
{
	bool follow = node->follow != FIND_FOLLOW_NEVER;
	struct peel_error err = {0};
	int r = resolve_path(find->index, find->view, node->text, follow, ret_file, NULL, &err);

	if (follow && (r == PEEL_ENOENT || r == PEEL_ENOTDIR)) {
		r = resolve_path(find->index, find->view, node->text, false, ret_file, NULL, &err);
	}
	if (r < 0) {
		find_complain_path(find, node->text, error_text(&err));
	}
	return r >= 0;
}

bool find_bind_newer(struct find *find, struct find_node *node)
{
	struct peel_node file;

	if (!bind_file(find, node, &file)) {
		return false;
	}
	node->time = (struct find_time){file.mtime_sec, file.mtime_nsec};
	return true;
}

bool find_bind_samefile(struct find *find, struct find_node *node)
{
	struct peel_node file;

	if (!bind_file(find, node, &file)) {
		return false;
	}
	node->number = file.ino;
	node->compare = FIND_EQUAL;
	return true;
}

bool find_parse_newermt(struct find *find, struct find_node *node, const char *arg)
{
	char shown[256];

	if (find_date_parse(arg, &find->now, &node->time)) {
		return true;
	}
	complain(
		"I cannot figure out how to interpret '%s' as a date or time; write it as 2023-11-14 22:13:20,"
		" @1700000000, yesterday or '2 days ago'",
		peel_text_escape_into(shown, sizeof(shown), arg, strlen(arg)));
	return false;
}

bool find_eval_newer(struct find *find, const struct find_node *node,
	const struct find_entry *entry)
{
	struct find_time when = modified(entry);

	(void)find;
	return compare_times(&when, &node->time) > 0;
}

/* "." and nine digits; GNU adds a zero, so that nobody counts on their number. */
static void write_fraction(char *buf, size_t size, const struct find_time *when)
{
	snprintf(buf, size, ".%09ld0", (long)when->nsec);
}

static const char *write_seconds(char *buf, const struct find_time *when, const char *fraction)
{
	uint64_t magnitude = when->sec < 0 ? 0 - (uint64_t)when->sec : (uint64_t)when->sec;

	snprintf(buf, FIND_TIME_SIZE, "%s%llu%s", when->sec < 0 ? "-" : "",
		(unsigned long long)magnitude, fraction);
	return buf;
}

const char *find_time_plain(char *buf, const struct find_time *when)
{
	static const char weekdays[] = "Sun\0Mon\0Tue\0Wed\0Thu\0Fri\0Sat";
	static const char months[] = "Jan\0Feb\0Mar\0Apr\0May\0Jun\0Jul\0Aug\0Sep\0Oct\0Nov\0Dec";
	time_t sec = (time_t)when->sec;
	char fraction[32];
	struct tm tm;

	write_fraction(fraction, sizeof(fraction), when);
	if (!localtime_r(&sec, &tm)) {
		return write_seconds(buf, when, "");
	}
	snprintf(buf, FIND_TIME_SIZE, "%s %s %2d %02d:%02d:%02d%s %04lld",
		weekdays + tm.tm_wday * 4, months + tm.tm_mon * 4, tm.tm_mday, tm.tm_hour,
		tm.tm_min, tm.tm_sec, fraction, 1900 + (long long)tm.tm_year);
	return buf;
}

const char *find_time_format(char *buf, const struct find_time *when, char letter)
{
	/* By a pointer: the letter is the user's, and strftime takes any. */
	size_t (*const format_time)(char *, size_t, const char *, const struct tm *) = strftime;
	char format[] = {'_', '%', letter, 0};
	time_t sec = (time_t)when->sec;
	char fraction[32] = "";
	struct tm tm;
	size_t len;

	if (strchr("STX@+", letter)) {
		write_fraction(fraction, sizeof(fraction), when);
	}
	if (letter == '@' || !localtime_r(&sec, &tm)) {
		return write_seconds(buf, when, fraction);
	}
	/* What comes to nothing cannot be told from what does not fit: so there is always something. */
	len = format_time(buf, FIND_TIME_SIZE - sizeof(fraction),
		letter == '+' ? "_%Y-%m-%d+%T" : format, &tm);
	memmove(buf, buf + 1, len);
	memcpy(buf + len - 1, fraction, strlen(fraction) + 1);
	return buf;
}
