/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dates as people write them, of those that GNU's parser knows the ones that mean the same to everybody:
 *
 *     @SECONDS[.FRACTION]
 *     YYYY-MM-DD, HH:MM[:SS[.FRACTION]], both with a blank or T between them; then Z, UTC, GMT, +HH, +HHMM or +HH:MM
 *     now, today, yesterday, tomorrow
 *     [+-]N UNIT [ago], next UNIT, last UNIT, UNIT ago: second(s), sec(s), minute(s), min(s), hour(s), day(s), week(s),
 *     fortnight(s), month(s), year(s)
 *
 * in any order, relative parts added up. Month and day names, and other orders of digits, are refused: a guess would be
 * worse. A date without a time means midnight; relative parts alone count from now. All is local time but with a zone.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "cmd.h"
#include "find.h"

/* Most units that a relative part may count, and most seconds of @: what fits a struct tm and then some. */
#define COUNT_MAX 1000000000
#define SECONDS_MAX (INT64_C(1) << 55)

/* What has been read. */
struct date {
	bool has_day;
	bool has_time;
	bool has_zone;
	bool has_relative;
	struct tm tm;
	int64_t nsec;
	/* Seconds east of Greenwich. */
	long zone;
	/* To be added. */
	int64_t years;
	int64_t months;
	int64_t days;
	int64_t seconds;
};

/* Where a unit's count goes, and how much of that it is. */
static const struct {
	const char *name;
	char kind;
	int factor;
} units[] = {
	{"year", 'y', 1},
	{"month", 'm', 1},
	{"fortnight", 'd', 14},
	{"week", 'd', 7},
	{"day", 'd', 1},
	{"hour", 's', 3600},
	{"minute", 's', 60},
	{"min", 's', 60},
	{"second", 's', 1},
	{"sec", 's', 1},
};

/* Words that are days. */
static const struct {
	const char *name;
	int days;
} words[] = {
	{"now", 0},
	{"today", 0},
	{"yesterday", -1},
	{"tomorrow", 1},
};

static const char *skip_blanks(const char *at)
{
	while (isspace((unsigned char)*at)) {
		at++;
	}
	return at;
}

/* Exactly count digits. @return the place behind, NULL where there are not. */
static const char *read_digits(const char *at, int count, int *ret_number)
{
	*ret_number = 0;
	for (; count > 0; count--, at++) {
		if (!isdigit((unsigned char)*at)) {
			return NULL;
		}
		*ret_number = *ret_number * 10 + (*at - '0');
	}
	return at;
}

/* .123 or ,123: what is beyond nanoseconds is cut. @return the place behind. */
static const char *read_fraction(const char *at, int64_t *ret_nsec)
{
	int64_t unit = 100000000;

	*ret_nsec = 0;
	if ((*at != '.' && *at != ',') || !isdigit((unsigned char)at[1])) {
		return at;
	}
	for (at++; isdigit((unsigned char)*at); at++, unit /= 10) {
		*ret_nsec += (*at - '0') * unit;
	}
	return at;
}

static const char *read_day(const char *at, struct date *date)
{
	int year;
	int month;
	int day;

	at = read_digits(at, 4, &year);
	at = at && *at == '-' ? read_digits(at + 1, 2, &month) : NULL;
	at = at && *at == '-' ? read_digits(at + 1, 2, &day) : NULL;
	if (!at || isdigit((unsigned char)*at) || date->has_day || month < 1 || month > 12 ||
		day < 1 || day > 31) {
		return NULL;
	}
	date->has_day = true;
	date->tm.tm_year = year - 1900;
	date->tm.tm_mon = month - 1;
	date->tm.tm_mday = day;
	/* 2023-11-14T22:13 */
	return (*at == 'T' || *at == 't') && isdigit((unsigned char)at[1]) ? at + 1 : at;
}

/* +HH, +HHMM, +HH:MM behind a time. */
static const char *read_offset(const char *at, struct date *date)
{
	int sign = *at == '-' ? -1 : 1;
	int hours;
	int minutes = 0;

	at = read_digits(at + 1, 2, &hours);
	if (at && (*at == ':' || isdigit((unsigned char)*at))) {
		at = read_digits(at + (*at == ':'), 2, &minutes);
	}
	if (!at || isalnum((unsigned char)*at) || hours > 24 || minutes > 59) {
		return NULL;
	}
	date->has_zone = true;
	date->zone = sign * (hours * 3600L + minutes * 60L);
	return at;
}

static const char *read_time(const char *at, struct date *date)
{
	int hour;
	int minute;
	int second = 0;
	const char *next;
	int64_t nsec = 0;
	bool two = isdigit((unsigned char)at[0]) && isdigit((unsigned char)at[1]);

	at = read_digits(at, two ? 2 : 1, &hour);
	at = at && *at == ':' ? read_digits(at + 1, 2, &minute) : NULL;
	if (at && *at == ':') {
		at = read_digits(at + 1, 2, &second);
		at = at ? read_fraction(at, &nsec) : NULL;
	}
	if (!at || isdigit((unsigned char)*at) || date->has_time || hour > 23 || minute > 59 ||
		second > 59) {
		return NULL;
	}
	date->has_time = true;
	date->tm.tm_hour = hour;
	date->tm.tm_min = minute;
	date->tm.tm_sec = second;
	date->nsec = nsec;
	/* A sign behind a time means a zone, to GNU whatever follows. */
	next = skip_blanks(at);
	return (*next == '+' || *next == '-') && !date->has_zone ? read_offset(next, date) : at;
}

static bool is_word(const char *at, size_t len, const char *word)
{
	return strlen(word) == len && strncasecmp(at, word, len) == 0;
}

static bool add_units(struct date *date, const char *at, size_t len, int64_t count)
{
	/* "days" as "day", but no letter alone. */
	size_t singular = len > 1 && (at[len - 1] == 's' || at[len - 1] == 'S') ? len - 1 : len;

	for (size_t i = 0; i < countof(units); i++) {
		if (is_word(at, len, units[i].name) || is_word(at, singular, units[i].name)) {
			int64_t amount = count * units[i].factor;

			date->has_relative = true;
			date->years += units[i].kind == 'y' ? amount : 0;
			date->months += units[i].kind == 'm' ? amount : 0;
			date->days += units[i].kind == 'd' ? amount : 0;
			date->seconds += units[i].kind == 's' ? amount : 0;
			return true;
		}
	}
	return false;
}

/* "ago" behind a relative part. @return the place behind it, or at. */
static const char *read_ago(const char *at, int64_t *count)
{
	const char *next = skip_blanks(at);

	if (strncasecmp(next, "ago", 3) == 0 && !isalnum((unsigned char)next[3])) {
		*count = -*count;
		return next + 3;
	}
	return at;
}

/* N UNIT [ago], or UNIT alone with the count of the word before it. */
static const char *read_units(const char *at, int64_t count, struct date *date)
{
	const char *unit = skip_blanks(at);
	size_t len = 0;

	while (isalpha((unsigned char)unit[len])) {
		len++;
	}
	at = read_ago(unit + len, &count);
	return len > 0 && add_units(date, unit, len, count) ? at : NULL;
}

static const char *read_relative(const char *at, struct date *date)
{
	char *end;
	long count;

	errno = 0;
	count = strtol(at, &end, 10);
	if (errno != 0 || end == at || count > COUNT_MAX || count < -COUNT_MAX) {
		return NULL;
	}
	return read_units(end, count, date);
}

static const char *read_word(const char *at, struct date *date)
{
	size_t len = 0;

	while (isalpha((unsigned char)at[len])) {
		len++;
	}
	for (size_t i = 0; i < countof(words); i++) {
		if (is_word(at, len, words[i].name)) {
			date->days += words[i].days;
			date->has_relative = true;
			return at + len;
		}
	}
	if (is_word(at, len, "z") || is_word(at, len, "utc") || is_word(at, len, "gmt")) {
		bool placed = (date->has_day || date->has_time) && !date->has_zone;

		date->has_zone = true;
		date->zone = 0;
		return placed ? at + len : NULL;
	}
	if (is_word(at, len, "next") || is_word(at, len, "last")) {
		return read_units(at + len, is_word(at, len, "next") ? 1 : -1, date);
	}
	return read_units(at, 1, date);
}

static const char *read_item(const char *at, struct date *date)
{
	const char *next = NULL;

	if (isalpha((unsigned char)*at)) {
		return read_word(at, date);
	}
	if (isdigit((unsigned char)*at)) {
		next = read_day(at, date);
		next = next ? next : read_time(at, date);
	}
	return next ? next : read_relative(at, date);
}

/* @SECONDS[.FRACTION]; the fraction of a negative time counts back too. */
static bool read_seconds(const char *at, struct find_time *ret_time)
{
	bool negative = *at == '-';
	char *end;
	long long sec;

	if (!isdigit((unsigned char)at[negative])) {
		return false;
	}
	errno = 0;
	sec = strtoll(at, &end, 10);
	if (errno != 0 || sec > SECONDS_MAX || sec < -SECONDS_MAX) {
		return false;
	}
	at = read_fraction(end, &ret_time->nsec);
	ret_time->sec = sec;
	if (negative && ret_time->nsec > 0) {
		ret_time->nsec = 1000000000 - ret_time->nsec;
		ret_time->sec--;
	}
	return *skip_blanks(at) == 0;
}

/* Add to a field of struct tm. @return false where it does not fit. */
static bool add_to(int *field, int64_t amount)
{
	int64_t sum = *field + amount;

	*field = (int)sum;
	return sum >= INT32_MIN && sum <= INT32_MAX;
}

/* True for a day that the month has. */
static bool is_day(const struct tm *tm)
{
	struct tm copy = *tm;

	copy.tm_isdst = -1;
	copy.tm_hour = 12;
	return timegm(&copy) != -1 && copy.tm_mday == tm->tm_mday && copy.tm_mon == tm->tm_mon;
}

static bool settle(struct date *date, const struct find_time *now, struct find_time *ret_time)
{
	time_t sec;

	if (date->has_day && !is_day(&date->tm)) {
		return false;
	}
	if (date->has_day && !date->has_time) {
		date->tm.tm_hour = date->tm.tm_min = date->tm.tm_sec = 0;
	}
	if (date->has_day || date->has_time) {
		date->tm.tm_isdst = -1;
	} else {
		date->nsec = now->nsec;
	}
	if (!add_to(&date->tm.tm_year, date->years) || !add_to(&date->tm.tm_mon, date->months) ||
		!add_to(&date->tm.tm_mday, date->days)) {
		return false;
	}
	errno = 0;
	sec = date->has_zone ? timegm(&date->tm) : mktime(&date->tm);
	if (sec == -1 && errno != 0) {
		return false;
	}
	ret_time->sec = sec + date->seconds - date->zone;
	ret_time->nsec = date->nsec;
	return true;
}

bool find_date_parse(const char *text, const struct find_time *now, struct find_time *ret_time)
{
	struct date date = {0};
	time_t sec = (time_t)now->sec;
	const char *at = skip_blanks(text);

	if (*at == '@') {
		return read_seconds(at + 1, ret_time);
	}
	if (!localtime_r(&sec, &date.tm)) {
		return false;
	}
	/* An empty text is today's midnight to GNU; here it is more likely a mistake. */
	if (!*at) {
		return false;
	}
	while (*at) {
		at = read_item(at, &date);
		if (!at) {
			return false;
		}
		at = skip_blanks(at);
	}
	return settle(&date, now, ret_time);
}
