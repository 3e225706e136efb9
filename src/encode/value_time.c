/*-------------------------------------------------------------------------
 *
 * value_time.c
 *	  Text of dates and times by arithmetic.
 *
 * The offset of a time zone is asked for once per interval between two
 * changes.  pg_next_dst_boundary says exactly where an interval ends; where
 * it begins is not known, so an interval grows backwards as earlier times
 * are seen, in steps that are checked to end at the same change.
 *
 * The same days come again and again, so their text is kept, in a table that
 * the day's number alone decides the place in.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "encode/digits.h"
#include "encode/encode.h"
#include "encode/value.h"

/* days from 0000-03-01 to 2000-01-01 */
#define DAYS_TO_POSTGRES_EPOCH	730425
#define DAYS_PER_ERA			146097
#define YEARS_PER_ERA			400

/* how far a new interval reaches back at once */
#define LOOK_BACK_SECONDS		(90 * SECS_PER_DAY)

#define UNIX_EPOCH_SECONDS \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

typedef struct CivilDate
{
	int			year;			/* 0 is 1 BC */
	int			month;			/* 1 to 12 */
	int			day;			/* 1 to 31 */
} CivilDate;

/* days whose text is kept; a power of two */
#define DAY_TEXTS		4096

/* YYYY-MM-DD */
#define DAY_TEXT_LENGTH	10

typedef struct DayText
{
	int32		day;			/* since 2000-01-01 */
	bool		known;			/* is there a text at all */
	char		digits[DAY_TEXT_LENGTH];	/* without a NUL */
} DayText;

static DayText day_texts[DAY_TEXTS];

static char *write_infinity(char *out, bool negative);
static char *write_day(char *out, int day, bool *before_christ);
static char *write_new_day(char *out, int day, bool *before_christ);
static CivilDate split_days(int days);
static char *write_era(char *out, bool before_christ);
static char *write_clock(char *out, int64 time);
static char *write_local(char *out, int64 value, TimeStyle style,
						 bool *before_christ);
static char *write_offset(char *out, long offset, TimeStyle style);
static long find_offset(ZoneCache *cache, pg_tz *zone, pg_time_t at);
static long look_up_offset(ZoneCache *cache, pg_time_t at);
static void remember_interval(ZoneCache *cache, const ZoneInterval *interval);
static pg_time_t next_change(pg_tz *zone, pg_time_t at);

char *
sp_value_date(char *out, DateADT value)
{
	bool		before_christ;

	if (DATE_NOT_FINITE(value))
		return write_infinity(out, DATE_IS_NOBEGIN(value));
	out = write_day(out, value, &before_christ);
	return write_era(out, before_christ);
}

char *
sp_value_time(char *out, TimeADT value)
{
	return write_clock(out, value);
}

char *
sp_value_timetz(char *out, const TimeTzADT *value)
{
	out = write_clock(out, value->time);
	return write_offset(out, -value->zone, TIME_STYLE_ISO);
}

char *
sp_value_timestamp(char *out, Timestamp value, TimeStyle style)
{
	bool		before_christ;

	if (TIMESTAMP_NOT_FINITE(value))
		return write_infinity(out, TIMESTAMP_IS_NOBEGIN(value));
	out = write_local(out, value, style, &before_christ);
	return write_era(out, before_christ);
}

char *
sp_value_timestamptz(char *out, TimestampTz value, pg_tz *zone,
					 ZoneCache *cache, TimeStyle style)
{
	bool		before_christ;
	long		offset;

	if (TIMESTAMP_NOT_FINITE(value))
		return write_infinity(out, TIMESTAMP_IS_NOBEGIN(value));
	offset = sp_value_zone_offset(value, zone, cache);
	out = write_local(out, value + offset * USECS_PER_SEC, style,
					  &before_christ);
	out = write_offset(out, offset, style);
	return write_era(out, before_christ);
}

long
sp_value_zone_offset(TimestampTz value, pg_tz *zone, ZoneCache *cache)
{
	int64		seconds = value / USECS_PER_SEC;

	if (value < seconds * USECS_PER_SEC)
		seconds--;
	return find_offset(cache, zone, seconds + UNIX_EPOCH_SECONDS);
}

/* infinity or -infinity */
static char *
write_infinity(char *out, bool negative)
{
	const char *name = negative ? EARLY : LATE;
	size_t		length = strlen(name);

	memcpy(out, name, length);
	return out + length;
}

/* YYYY-MM-DD, the year with as many digits as it has, without the era. */
static char *
write_day(char *out, int day, bool *before_christ)
{
	DayText    *known = &day_texts[(uint32) day % DAY_TEXTS];
	char	   *end;

	if (likely(known->known && known->day == day))
	{
		memcpy(out, known->digits, DAY_TEXT_LENGTH);
		*before_christ = false;
		return out + DAY_TEXT_LENGTH;
	}
	end = write_new_day(out, day, before_christ);
	if (!*before_christ && end - out == DAY_TEXT_LENGTH)
	{
		memcpy(known->digits, out, DAY_TEXT_LENGTH);
		known->day = day;
		known->known = true;
	}
	return end;
}

/* The same by arithmetic. */
static char *
write_new_day(char *out, int day, bool *before_christ)
{
	CivilDate	date = split_days(day);
	unsigned int year = date.year > 0 ? date.year : 1 - date.year;

	*before_christ = date.year <= 0;
	if (year < 10000)
		out = sp_digits_four(out, year);
	else
		out += pg_ultoa_n(year, out);
	*out++ = '-';
	out = sp_digits_two(out, date.month);
	*out++ = '-';
	return sp_digits_two(out, date.day);
}

/*
 * The date that lies days after 2000-01-01, in the proleptic Gregorian
 * calendar.  Years are counted from March, so that the leap day is the last.
 */
static CivilDate
split_days(int days)
{
	CivilDate	date;
	int64		shifted = (int64) days + DAYS_TO_POSTGRES_EPOCH;
	int			era = (shifted >= 0 ? shifted : shifted - DAYS_PER_ERA + 1) /
	DAYS_PER_ERA;
	unsigned int day_of_era = shifted - (int64) era * DAYS_PER_ERA;
	unsigned int year = (day_of_era - day_of_era / 1460 +
						 day_of_era / 36524 - day_of_era / 146096) / 365;
	unsigned int day_of_year = day_of_era -
	(365 * year + year / 4 - year / 100);
	unsigned int month = (5 * day_of_year + 2) / 153;

	date.day = day_of_year - (153 * month + 2) / 5 + 1;
	date.month = month < 10 ? month + 3 : month - 9;
	date.year = (int) year + era * YEARS_PER_ERA + (date.month <= 2);
	return date;
}

/* Nothing, or that the year was before Christ. */
static char *
write_era(char *out, bool before_christ)
{
	if (!before_christ)
		return out;
	memcpy(out, " BC", 3);
	return out + 3;
}

/* HH:MM:SS and the fraction without zeros at its end. */
static char *
write_clock(char *out, int64 time)
{
	unsigned int seconds = time / USECS_PER_SEC;
	unsigned int fraction = time % USECS_PER_SEC;

	out = sp_digits_two(out, seconds / SECS_PER_HOUR);
	*out++ = ':';
	out = sp_digits_two(out, seconds / SECS_PER_MINUTE % 60);
	*out++ = ':';
	out = sp_digits_two(out, seconds % SECS_PER_MINUTE);
	if (fraction == 0)
		return out;
	*out++ = '.';
	out = sp_digits_two(out, fraction / 10000);
	out = sp_digits_four(out, fraction % 10000);
	while (out[-1] == '0')
		out--;
	return out;
}

/*
 * YYYY-MM-DD HH:MM:SS.FFFFFF of microseconds since 2000-01-01, without the
 * era.
 */
static char *
write_local(char *out, int64 value, TimeStyle style, bool *before_christ)
{
	int64		days = value / USECS_PER_DAY;
	int64		time = value - days * USECS_PER_DAY;

	if (time < 0)
	{
		days--;
		time += USECS_PER_DAY;
	}
	out = write_day(out, days, before_christ);
	*out++ = style == TIME_STYLE_XSD ? 'T' : ' ';
	return write_clock(out, time);
}

/*
 * +HH:MM, with seconds where the offset has some (local mean times); a whole
 * hour is +HH in the style of DateStyle ISO.
 */
static char *
write_offset(char *out, long offset, TimeStyle style)
{
	unsigned int seconds = labs(offset);

	*out++ = offset >= 0 ? '+' : '-';
	out = sp_digits_two(out, seconds / SECS_PER_HOUR);
	if (style == TIME_STYLE_ISO && seconds % SECS_PER_HOUR == 0)
		return out;
	*out++ = ':';
	out = sp_digits_two(out, seconds / SECS_PER_MINUTE % 60);
	if (seconds % SECS_PER_MINUTE == 0)
		return out;
	*out++ = ':';
	return sp_digits_two(out, seconds % SECS_PER_MINUTE);
}

/* The offset in force at a second of Unix time, seconds east of UTC. */
static long
find_offset(ZoneCache *cache, pg_tz *zone, pg_time_t at)
{
	const ZoneInterval *interval = &cache->intervals[cache->last];
	int			i;

	if (cache->zone != zone)
	{
		memset(cache, 0, sizeof(*cache));
		cache->zone = zone;
	}
	if (at >= interval->start && at < interval->end)
		return interval->offset;
	for (i = 0; i < cache->nintervals; i++)
	{
		interval = &cache->intervals[i];
		if (at >= interval->start && at < interval->end)
		{
			cache->last = i;
			return interval->offset;
		}
	}
	return look_up_offset(cache, at);
}

/* Ask the zone, and remember as much of the interval as is certain. */
static long
look_up_offset(ZoneCache *cache, pg_time_t at)
{
	ZoneInterval interval;
	pg_time_t	earlier = at - LOOK_BACK_SECONDS;

	interval.start = at;
	interval.end = next_change(cache->zone, at);
	interval.offset = pg_localtime(&at, cache->zone)->tm_gmtoff;
	if (next_change(cache->zone, earlier) == interval.end)
		interval.start = earlier;
	if (interval.end > at)
		remember_interval(cache, &interval);
	return interval.offset;
}

/* Widen the interval that ends at the same change, or add this one. */
static void
remember_interval(ZoneCache *cache, const ZoneInterval *interval)
{
	int			i;

	for (i = 0; i < cache->nintervals; i++)
	{
		ZoneInterval *known = &cache->intervals[i];

		if (known->end == interval->end)
		{
			known->start = Min(known->start, interval->start);
			return;
		}
	}
	if (cache->nintervals < ZONE_INTERVALS)
		cache->nintervals++;
	cache->intervals[cache->next] = *interval;
	cache->next = (cache->next + 1) % ZONE_INTERVALS;
}

/*
 * The first change of the zone after a time.  PG_INT64_MAX: it never
 * changes; PG_INT64_MIN: the zone does not say.
 */
static pg_time_t
next_change(pg_tz *zone, pg_time_t at)
{
	pg_time_t	change;
	long		before_offset;
	long		after_offset;
	int			before_isdst;
	int			after_isdst;

	switch (pg_next_dst_boundary(&at, &before_offset, &before_isdst, &change,
								 &after_offset, &after_isdst, zone))
	{
		case 1:
			return change;
		case 0:
			return PG_INT64_MAX;
		default:
			return PG_INT64_MIN;
	}
}

pg_tz *
sp_encode_time_zone(const char *name)
{
	pg_tz	   *zone = name[0] != '\0' ? pg_tzset(name) : NULL;

	if (zone == NULL || !pg_tz_acceptable(zone))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" not recognized", name),
				 errhint("Names are in pg_timezone_names.")));
	return zone;
}

char *
sp_value_output(FmgrInfo *function, Datum value, pg_tz *zone)
{
	pg_tz	   *old_zone = session_timezone;
	char	   *volatile string = NULL;

	if (zone == NULL || zone == old_zone)
		return OutputFunctionCall(function, value);
	session_timezone = zone;
	PG_TRY();
	{
		string = OutputFunctionCall(function, value);
	}
	PG_FINALLY();
	{
		session_timezone = old_zone;
	}
	PG_END_TRY();
	return string;
}
