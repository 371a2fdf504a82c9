/* rfc3339.c - contract in rfc3339.h. Days and dates are converted by counting in years that
 * begin in March, so that the leap day is the last one (H. Hinnant, "chrono-Compatible
 * Low-Level Date Algorithms"). */
#include "base/rfc3339.h"

#include <stdbool.h>

#include "base/error.h"

#define SECONDS_PER_DAY  86400
#define DAYS_PER_ERA     146097 /* 400 years */
#define DAYS_BEFORE_1970 719468 /* from 0000-03-01 */

struct date {
    int64_t year, month, day;
};

static struct date date_of(int64_t days)
{
    days += DAYS_BEFORE_1970;
    int64_t era = days / DAYS_PER_ERA;
    int64_t day = days % DAYS_PER_ERA;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= 365 * year + year / 4 - year / 100;
    int64_t month = (5 * day + 2) / 153; /* 0 = March */
    return (struct date){
        .year = year + era * 400 + (month >= 10),
        .month = month < 10 ? month + 3 : month - 9,
        .day = day - (153 * month + 2) / 5 + 1,
    };
}

static int64_t days_of(struct date date)
{
    int64_t year = date.year - (date.month <= 2);
    int64_t month = date.month > 2 ? date.month - 3 : date.month + 9;
    int64_t era = year / 400;
    int64_t year_of_era = year % 400;
    int64_t day = (153 * month + 2) / 5 + date.day - 1;
    day += year_of_era * 365 + year_of_era / 4 - year_of_era / 100;
    return era * DAYS_PER_ERA + day - DAYS_BEFORE_1970;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

/* Writes `value` as `digits` digits and then `after`, unless that is 0. */
static char *put(char *at, int64_t value, int digits, char after)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        at[i] = (char)('0' + value % 10);
    at += digits;
    if (after != 0)
        *at++ = after;
    return at;
}

static void write_places(struct buf *buf, struct instant instant, int places)
{
    if (instant.us < 0 || instant.us > RFC3339_US_MAX) {
        buf->overflow = true;
        return;
    }
    int64_t seconds = instant.us / US_PER_SECOND;
    int64_t fraction = instant.us % US_PER_SECOND;
    int64_t in_day = seconds % SECONDS_PER_DAY;
    struct date date = date_of(seconds / SECONDS_PER_DAY);
    char text[RFC3339_BYTES_MAX];
    char *at = put(text, date.year, 4, '-');
    at = put(at, date.month, 2, '-');
    at = put(at, date.day, 2, 'T');
    at = put(at, in_day / 3600, 2, ':');
    at = put(at, in_day / 60 % 60, 2, ':');
    at = put(at, in_day % 60, 2, '.');
    at = put(at, places == 3 ? fraction / US_PER_MS : fraction, places, 'Z');
    buf_put(buf, text, (size_t)(at - text));
}

void rfc3339_write(struct buf *buf, struct instant instant)
{
    write_places(buf, instant, 6);
}

void rfc3339_write_ms(struct buf *buf, struct instant instant)
{
    write_places(buf, instant, 3);
}

/* Takes exactly `digits` digits, then `after` unless that is 0. */
static bool take(struct slice *rest, size_t digits, char after, int64_t *ret)
{
    size_t bytes = digits + (after != 0);
    if (rest->bytes < bytes)
        return false;
    int64_t value = 0;
    for (size_t i = 0; i < digits; i++) {
        char c = rest->at[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    if (after != 0 && rest->at[digits] != after)
        return false;
    *rest = slice_skip(*rest, bytes);
    *ret = value;
    return true;
}

static bool take_date(struct slice *rest, int64_t *ret_days)
{
    struct date date;
    if (!take(rest, 4, '-', &date.year) || !take(rest, 2, '-', &date.month) ||
        !take(rest, 2, 'T', &date.day))
        return false;
    if (date.year < 1969 || date.month < 1 || date.month > 12 || date.day < 1 ||
        date.day > days_in_month(date.year, date.month))
        return false; /* the last hours of 1969 may be 1970 in UTC */
    *ret_days = days_of(date);
    return true;
}

static bool take_time(struct slice *rest, int64_t *ret_seconds)
{
    int64_t hour, minute, second;
    if (!take(rest, 2, ':', &hour) || !take(rest, 2, ':', &minute) || !take(rest, 2, 0, &second))
        return false;
    *ret_seconds = hour * 3600 + minute * 60 + second;
    return hour <= 23 && minute <= 59 && second <= 59;
}

static bool take_fraction(struct slice *rest, int64_t *ret_us)
{
    *ret_us = 0;
    if (rest->bytes == 0 || rest->at[0] != '.')
        return true;
    *rest = slice_skip(*rest, 1);
    int64_t unit = 100000;
    size_t digits = 0;
    for (; digits < rest->bytes && rest->at[digits] >= '0' && rest->at[digits] <= '9'; digits++) {
        *ret_us += unit * (rest->at[digits] - '0');
        unit /= 10;
    }
    *rest = slice_skip(*rest, digits);
    return digits >= 1 && digits <= 9;
}

static bool take_offset(struct slice *rest, int64_t *ret_seconds)
{
    if (rest->bytes == 0)
        return false;
    char sign = rest->at[0];
    *rest = slice_skip(*rest, 1);
    *ret_seconds = 0;
    if (sign == 'Z')
        return true;
    int64_t hour, minute;
    if ((sign != '+' && sign != '-') || !take(rest, 2, ':', &hour) || !take(rest, 2, 0, &minute))
        return false;
    *ret_seconds = (hour * 3600 + minute * 60) * (sign == '-' ? -1 : 1);
    return hour <= 23 && minute <= 59;
}

int rfc3339_parse(struct slice text, struct instant *ret)
{
    int64_t days, seconds, fraction, offset;
    if (!take_date(&text, &days) || !take_time(&text, &seconds) ||
        !take_fraction(&text, &fraction) || !take_offset(&text, &offset) || text.bytes > 0)
        return -ERR_FORMAT;
    int64_t us = (days * SECONDS_PER_DAY + seconds - offset) * US_PER_SECOND + fraction;
    if (us < 0 || us > RFC3339_US_MAX)
        return -ERR_FORMAT;
    ret->us = us;
    return 0;
}
