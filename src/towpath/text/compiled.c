/* Delimited text in bulk (rules: scan.py), without the interpreter's lock. What is not plainly in order is declined, and
   told by the careful code in Python: a function that declines changed nothing that anybody reads. Numbers are in the
   machine's order; ValueError for buffers that do not fit together. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

typedef const unsigned char *bytes;

enum { LF = '\n', CR = '\r', STRETCH = 64 };

static void release(Py_buffer *buffers, int count)
{
    while (count--)
        PyBuffer_Release(&buffers[count]);
}

static PyObject *wrong(Py_buffer *buffers, int count, const char *why)
{
    release(buffers, count);
    PyErr_SetString(PyExc_ValueError, why);
    return NULL;
}

static inline int lowest(uint64_t bits)
{
#if defined(__GNUC__) || defined(__clang__)
    return __builtin_ctzll(bits);
#else
    int at = 0;
    for (; !(bits & 1); bits >>= 1)
        at++;
    return at;
#endif
}

/* A bit for each of 64 bytes that is one of three. */
#ifdef __SSE2__
static inline uint64_t marked(bytes p, unsigned char a, unsigned char b, unsigned char c)
{
    const __m128i one = _mm_set1_epi8((char)a), two = _mm_set1_epi8((char)b), three = _mm_set1_epi8((char)c);
    uint64_t bits = 0;
    for (int at = 0; at < STRETCH; at += 16) {
        __m128i held = _mm_loadu_si128((const __m128i *)(p + at));
        __m128i like = _mm_or_si128(_mm_cmpeq_epi8(held, one), _mm_or_si128(_mm_cmpeq_epi8(held, two), _mm_cmpeq_epi8(held, three)));
        bits |= (uint64_t)(unsigned)_mm_movemask_epi8(like) << at;
    }
    return bits;
}
#else
static inline uint64_t marked(bytes p, unsigned char a, unsigned char b, unsigned char c)
{
    uint64_t bits = 0;
    for (int at = 0; at < STRETCH; at++)
        bits |= (uint64_t)(p[at] == a || p[at] == b || p[at] == c) << at;
    return bits;
}
#endif

/* Finds the delimiters and line ends one after another, a stretch of 64 bytes at a time. */
struct search {
    bytes data;
    Py_ssize_t size, base;
    uint64_t bits;
    unsigned char delimiter;
};

static inline void look(struct search *s)
{
    if (s->size - s->base >= STRETCH) {
        s->bits = marked(s->data + s->base, s->delimiter, LF, CR);
        return;
    }
    unsigned char rest[STRETCH] = {0};
    Py_ssize_t left = s->size - s->base;
    memcpy(rest, s->data + s->base, (size_t)left);
    s->bits = marked(rest, s->delimiter, LF, CR);
    if (left < STRETCH)
        s->bits &= (UINT64_C(1) << left) - 1; /* a delimiter may be 0 */
}

/* The next one, or the size where there is none. */
static inline Py_ssize_t next(struct search *s)
{
    while (!s->bits) {
        if (s->size - s->base <= STRETCH)
            return s->size;
        s->base += STRETCH;
        look(s);
    }
    Py_ssize_t at = s->base + lowest(s->bits);
    s->bits &= s->bits - 1;
    return at;
}

static inline void jump(struct search *s, Py_ssize_t to)
{
    if (to >= s->size) {
        s->base = s->size;
        s->bits = 0;
        return;
    }
    if (to - s->base >= STRETCH) {
        s->base += (to - s->base) / STRETCH * STRETCH;
        look(s);
    }
    s->bits &= ~UINT64_C(0) << (to - s->base);
}

static int is_ascii(bytes p, Py_ssize_t size)
{
    unsigned char all = 0;
    for (Py_ssize_t at = 0; at < size; at++)
        all |= p[at];
    return all < 0x80;
}

PyDoc_STRVAR(line_feeds_doc, "line_feeds(data) -> how many there are.");

static PyObject *line_feeds(PyObject *self, PyObject *args)
{
    Py_buffer b;
    if (!PyArg_ParseTuple(args, "y*", &b))
        return NULL;
    bytes p = b.buf;
    Py_ssize_t found = 0;
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t at = 0; at < b.len;) {
        unsigned char few = 0;
        for (Py_ssize_t stop = b.len - at < 255 ? b.len : at + 255; at < stop; at++)
            few += p[at] == LF;
        found += few;
    }
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&b);
    return PyLong_FromSsize_t(found);
}

enum outcome { WHOLE, INCOMPLETE, DECLINED };

/* Where the quoted field that begins at `at` ends, and how many lines do in it. */
static enum outcome quoted(bytes p, Py_ssize_t size, Py_ssize_t *at, unsigned char quote, int final, Py_ssize_t most_lines,
                           Py_ssize_t most_bytes, Py_ssize_t *lines)
{
    Py_ssize_t from = *at, end = from + 1, breaks = 0;
    int is_open = 1;
    while (is_open) {
        bytes found = end < size ? memchr(p + end, quote, (size_t)(size - end)) : NULL;
        if (found == NULL)
            break;
        end = found - p + 1;
        if (end < size && p[end] == quote)
            end++;
        else
            is_open = 0;
    }
    Py_ssize_t stop = is_open ? size : end;
    int has_returns = 0;
    for (Py_ssize_t one = from; one < stop; one++) {
        breaks += p[one] == LF;
        has_returns |= p[one] == CR;
    }
    for (Py_ssize_t one = from; has_returns && one < stop; one++)
        if (p[one] == CR && !(one + 1 < size ? p[one + 1] == LF : !final))
            return DECLINED;
    if (breaks >= most_lines || stop - from >= most_bytes || (is_open && final))
        return DECLINED;
    if (is_open || (end == size && !final))
        return INCOMPLETE;
    *at = end;
    *lines += breaks;
    return WHOLE;
}

PyDoc_STRVAR(split_doc,
             "split(data, width, delimiter, quote, final, most_lines, most_bytes, starts, ends, lines, fields)\n"
             "-> (records, bytes that they take, line ends in these, whether all is ASCII), or None: declined.\n\n"
             "quote: -1 for none. final: nothing follows. Record i is data[starts[i] : ends[i]] after lines[i] line ends;\n"
             "its field f ends before data[fields[i * width + f]]. Quoted fields of most_lines or most_bytes are declined.");

static PyObject *split(PyObject *self, PyObject *args)
{
    Py_buffer b[5];
    Py_ssize_t width, most_lines, most_bytes;
    int delimiter, quote, final;
    if (!PyArg_ParseTuple(args, "y*niipnnw*w*w*w*", &b[0], &width, &delimiter, &quote, &final, &most_lines, &most_bytes, &b[1],
                          &b[2], &b[3], &b[4]))
        return NULL;
    Py_ssize_t size = b[0].len, most = b[1].len / 8;
    if (width < 1 || size > INT32_MAX || b[2].len / 8 < most || b[3].len / 8 < most || b[4].len / 4 / width < most)
        return wrong(b, 5, "there must be room for as many of each");
    bytes p = b[0].buf;
    int64_t *starts = b[1].buf, *ends = b[2].buf, *lines = b[3].buf;
    int32_t *fields = b[4].buf;
    Py_ssize_t records = 0, used = 0, line = 0, line_used = 0;
    enum outcome outcome = WHOLE;
    int ascii = 1;
    Py_BEGIN_ALLOW_THREADS
    struct search search = {p, size, 0, 0, (unsigned char)delimiter};
    if (size)
        look(&search);
    while (used < size) {
        Py_ssize_t at = used, end;
        if (width > 1 && (p[at] == LF || p[at] == CR)) { /* a blank line is no record */
            if (p[at] == CR && at + 1 == size && !final) {
                break;
            }
            if (p[at] == CR && (at + 1 == size || p[at + 1] != LF)) {
                outcome = DECLINED;
                break;
            }
            used = at + (p[at] == CR ? 2 : 1);
            jump(&search, used);
            line_used = ++line;
            continue;
        }
        if (records == most) {
            outcome = DECLINED;
            break;
        }
        starts[records] = at;
        lines[records] = line;
        for (Py_ssize_t field = 0;; field++) {
            if (quote >= 0 && at < size && p[at] == quote) {
                end = at;
                outcome = quoted(p, size, &end, (unsigned char)quote, final, most_lines, most_bytes, &line);
                if (outcome != WHOLE)
                    break;
                jump(&search, end);
                Py_ssize_t edge = next(&search);
                if (edge != end) {
                    outcome = DECLINED;
                    break;
                }
            } else {
                end = next(&search);
                if (end == size && !final) {
                    outcome = INCOMPLETE;
                    break;
                }
            }
            if (field == width) {
                outcome = DECLINED;
                break;
            }
            fields[records * width + field] = (int32_t)end;
            if (end < size && p[end] == (unsigned char)delimiter) {
                at = end + 1;
                continue;
            }
            if (end < size && p[end] == CR) {
                if (end + 1 < size ? p[end + 1] != LF : final)
                    outcome = DECLINED;
                else if (end + 1 == size)
                    outcome = INCOMPLETE;
                else
                    next(&search);
                if (outcome != WHOLE)
                    break;
                used = end + 2;
            } else {
                used = end < size ? end + 1 : size;
            }
            if (field != width - 1)
                outcome = DECLINED;
            line++;
            break;
        }
        if (outcome != WHOLE)
            break;
        ends[records++] = used;
        line_used = line;
    }
    if (outcome != DECLINED)
        ascii = is_ascii(p, used);
    Py_END_ALLOW_THREADS
    release(b, 5);
    if (outcome == DECLINED)
        Py_RETURN_NONE;
    return Py_BuildValue("(nnnO)", records, used, line_used, ascii ? Py_True : Py_False);
}

/* The fields that split found. */
struct fields {
    bytes data;
    const int64_t *starts;
    const int32_t *ends;
    Py_ssize_t size, count, width;
    int quote;
};

/* One word that means null. */
struct word {
    char *text;
    Py_ssize_t size;
};

/* One column to make: values, or offsets into text. */
struct column {
    Py_ssize_t at, nulls, total;
    const struct form *form;
    int precision, scale; /* of decimals */
    Py_buffer into, validity;
    int is_declined;
    unsigned char *content;
};

struct form {
    const char *name;
    int bytes;
    void (*fill)(const struct fields *f, struct column *c, Py_ssize_t row, Py_ssize_t stop);
};

/* The content of a field without its quotes; whether it had some. */
static inline int content(const struct fields *f, Py_ssize_t at, Py_ssize_t row, Py_ssize_t *from, Py_ssize_t *to)
{
    const int32_t *ends = f->ends + row * f->width;
    *from = at ? ends[at - 1] + 1 : (Py_ssize_t)f->starts[row];
    *to = ends[at];
    if (*to - *from < 2 || f->data[*from] != f->quote)
        return 0;
    ++*from;
    --*to;
    return 1;
}

/* Whether each field lies within the data, after the one before it, and quotes have a place in it. */
static int lie_within(const struct fields *f)
{
    Py_ssize_t wrong = 0;
    for (Py_ssize_t row = 0; row < f->count; row++) {
        const int32_t *ends = f->ends + row * f->width;
        Py_ssize_t from = (Py_ssize_t)f->starts[row];
        wrong |= (f->starts[row] < 0) | (f->starts[row] > f->size);
        for (Py_ssize_t at = 0; at < f->width; at++) {
            wrong |= ends[at] < from;
            from = (Py_ssize_t)ends[at] + 1;
        }
        wrong |= from > f->size + 1;
    }
    return !wrong;
}

static inline void set_null(struct column *c, Py_ssize_t row)
{
    ((unsigned char *)c->validity.buf)[row >> 3] &= (unsigned char)~(1 << (row & 7));
    c->nulls++;
}

/* What follows reads one form each, of which no value is doubtful, and says no to all others. */

static inline int is_digit(unsigned char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* -?(0|[1-9][0-9]*) of at most 18 digits, and no -0. */
static inline int integer(bytes p, Py_ssize_t size, const struct column *c, int64_t *value)
{
    (void)c;
    int is_negative = size > 0 && *p == '-';
    Py_ssize_t at = is_negative;
    if (size == at || size - at > 18 || (p[at] == '0' && size > 1))
        return 0;
    int64_t number = 0;
    for (; at < size; at++) {
        if (!is_digit(p[at]))
            return 0;
        number = number * 10 + (p[at] - '0');
    }
    *value = is_negative ? -number : number;
    return 1;
}

static inline int integer_32(bytes p, Py_ssize_t size, const struct column *c, int32_t *value)
{
    int64_t number;
    if (!integer(p, size, c, &number) || number < INT32_MIN || number > INT32_MAX)
        return 0;
    *value = (int32_t)number;
    return 1;
}

static inline int integer_16(bytes p, Py_ssize_t size, const struct column *c, int16_t *value)
{
    int64_t number;
    if (!integer(p, size, c, &number) || number < INT16_MIN || number > INT16_MAX)
        return 0;
    *value = (int16_t)number;
    return 1;
}

/* -?(0|[1-9][0-9]*)(\.[0-9]+)? of at most 18 digits, without its sign and point. */
static inline int plain(bytes p, Py_ssize_t size, int64_t *number, int *whole, int *scale)
{
    Py_ssize_t at = size > 0 && *p == '-', begin = at, point = -1;
    if (size == at || size - at > 19)
        return 0;
    int64_t found = 0;
    for (; at < size; at++) {
        if (p[at] == '.' && point < 0) {
            point = at;
            continue;
        }
        if (!is_digit(p[at]))
            return 0;
        found = found * 10 + (p[at] - '0');
    }
    *whole = (int)((point < 0 ? size : point) - begin);
    *scale = (int)(point < 0 ? 0 : size - point - 1);
    *number = found;
    return *whole > 0 && (point < 0 || *scale > 0) && *whole + *scale <= 18 && !(p[begin] == '0' && *whole > 1);
}

/* Of at most 15 digits: number and power of ten are doubles then, so that their quotient is the double next to the text
   (W. D. Clinger, How to Read Floating Point Numbers Accurately, 1990). */
static inline int floating(bytes p, Py_ssize_t size, const struct column *c, double *value)
{
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    (void)c;
    int64_t number;
    int whole, scale;
    if (!plain(p, size, &number, &whole, &scale) || whole + scale > 15)
        return 0;
    double found = (double)number / powers[scale];
    *value = *p == '-' ? -found : found;
    return 1;
}

struct wide {
    uint64_t low, high;
};

/* Of no more digits before and after the point than the column has, and of no more than 18 with its zeros; no -0. */
static inline int decimal(bytes p, Py_ssize_t size, const struct column *c, struct wide *value)
{
    int64_t number;
    int whole, scale;
    if (!plain(p, size, &number, &whole, &scale) || scale > c->scale || whole > c->precision - c->scale || whole + c->scale > 18)
        return 0;
    if (*p == '-' && number == 0)
        return 0;
    for (; scale < c->scale; scale++)
        number *= 10;
    number = *p == '-' ? -number : number;
    value->low = (uint64_t)number;
    value->high = number < 0 ? ~UINT64_C(0) : 0;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    *value = (struct wide){value->high, value->low};
#endif
    return 1;
}

static inline int pair(bytes p)
{
    return is_digit(p[0]) && is_digit(p[1]) ? (p[0] - '0') * 10 + (p[1] - '0') : -1;
}

/* YYYY-MM-DD from the year 1 on, as days from 1970-01-01 (H. Hinnant, chrono-compatible date algorithms). */
static inline int days(bytes p, int32_t *value)
{
    static const unsigned char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int century = pair(p), rest = pair(p + 2), month = pair(p + 5), day = pair(p + 8);
    if (century < 0 || rest < 0 || month < 1 || month > 12 || day < 1 || p[4] != '-' || p[7] != '-')
        return 0;
    int year = century * 100 + rest;
    int is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (year < 1 || day > lengths[month - 1] + (month == 2 && is_leap))
        return 0;
    int from_march = (month + 9) % 12, shifted = year - (month <= 2), era = shifted / 400, of_era = shifted - era * 400;
    int of_year = (153 * from_march + 2) / 5 + day - 1;
    *value = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
    return 1;
}

static inline int date(bytes p, Py_ssize_t size, const struct column *c, int32_t *value)
{
    (void)c;
    return size == 10 && days(p, value);
}

/* YYYY-MM-DD HH:MM:SS, with a space or a T, and up to 6 digits after a point, as microseconds from 1970-01-01. */
static inline int moment(bytes p, Py_ssize_t size, const struct column *c, int64_t *value)
{
    (void)c;
    int32_t day;
    if (size < 19 || size > 26 || size == 20 || !days(p, &day))
        return 0;
    int hour = pair(p + 11), minute = pair(p + 14), second = pair(p + 17);
    if ((p[10] != ' ' && p[10] != 'T') || p[13] != ':' || p[16] != ':' || hour < 0 || minute < 0 || second < 0 || hour > 23 ||
        minute > 59 || second > 59)
        return 0;
    int64_t fraction = 0;
    if (size > 19) {
        if (p[19] != '.')
            return 0;
        for (Py_ssize_t at = 20; at < 26; at++) {
            if (at < size && !is_digit(p[at]))
                return 0;
            fraction = fraction * 10 + (at < size ? p[at] - '0' : 0);
        }
    }
    *value = (((int64_t)day * 24 + hour) * 60 + minute) * INT64_C(60000000) + second * INT64_C(1000000) + fraction;
    return 1;
}

/* Fills in the values of some rows, as long as none is declined. */
#define FILL(FORM, TYPE)                                                                                     \
    static void FORM##s(const struct fields *f, struct column *c, Py_ssize_t row, Py_ssize_t stop)           \
    {                                                                                                        \
        TYPE *into = c->into.buf;                                                                            \
        for (; row < stop; row++) {                                                                          \
            Py_ssize_t from, to;                                                                             \
            if (!content(f, c->at, row, &from, &to) && from == to) {                                         \
                memset(&into[row], 0, sizeof *into);                                                         \
                set_null(c, row);                                                                            \
            } else if (!FORM(f->data + from, to - from, c, &into[row])) {                       \
                c->is_declined = 1;                                                                          \
                return;                                                                                      \
            }                                                                                                \
        }                                                                                                    \
    }

FILL(integer, int64_t)
FILL(integer_32, int32_t)
FILL(integer_16, int16_t)
FILL(floating, double)
FILL(decimal, struct wide)
FILL(date, int32_t)
FILL(moment, int64_t)

static const struct form FORMS[] = {
    {"int64", 8, integers},         {"int32", 4, integer_32s},  {"int16", 2, integer_16s},        {"double", 8, floatings},
    {"decimal128", 16, decimals}, {"date32[day]", 4, dates}, {"timestamp[us]", 8, moments}};

/* Where the texts of some rows lie once they are copied. */
static void measure(const struct fields *f, struct column *c, Py_ssize_t row, Py_ssize_t stop, const struct word *words,
                    Py_ssize_t many)
{
    int32_t *offsets = c->into.buf;
    for (; row < stop; row++) {
        Py_ssize_t from, to;
        int has_quotes = content(f, c->at, row, &from, &to), is_null = !has_quotes && from == to;
        for (Py_ssize_t one = 0; one < many && !has_quotes; one++)
            is_null |= words[one].size == to - from && !memcmp(words[one].text, f->data + from, (size_t)(to - from));
        offsets[row] = (int32_t)c->total;
        if (is_null) {
            set_null(c, row);
            continue;
        }
        c->total += to - from;
        if (!has_quotes)
            continue;
        bytes p = f->data + from, end = f->data + to;
        while (p + 1 < end && (p = memchr(p, f->quote, (size_t)(end - p - 1))) != NULL) {
            c->total--;
            p += 2;
        }
    }
}

static void copy(const struct fields *f, struct column *c, Py_ssize_t row, Py_ssize_t stop)
{
    const int32_t *offsets = c->into.buf;
    for (; row < stop; row++) {
        Py_ssize_t from, to, length = offsets[row + 1] - offsets[row];
        unsigned char *into = c->content + offsets[row];
        if (!length)
            continue;
        content(f, c->at, row, &from, &to);
        if (length == to - from) {
            if (length <= 16 && from + 16 <= f->size && offsets[row] + 16 <= c->total)
                memcpy(into, f->data + from, 16); /* what is too much, the next is written over */
            else
                memcpy(into, f->data + from, (size_t)length);
            continue;
        }
        for (; from < to; from += f->data[from] == f->quote ? 2 : 1)
            *into++ = f->data[from];
    }
}

enum { ROWS = 1024 }; /* of a turn: their bytes stay in the processor's cache for all columns */

static const char *started(PyObject *wanted, const struct fields *f, struct column *c)
{
    const char *name;
    if (!PyArg_ParseTuple(wanted, "nsiiw*w*", &c->at, &name, &c->precision, &c->scale, &c->into, &c->validity)) {
        PyErr_Clear();
        c->into.obj = c->validity.obj = NULL;
        return "a column must be told by number, form, precision, scale, and two buffers";
    }
    for (size_t one = 0; one < sizeof FORMS / sizeof *FORMS; one++)
        if (!strcmp(FORMS[one].name, name))
            c->form = &FORMS[one];
    Py_ssize_t room = c->form ? c->into.len / c->form->bytes : c->into.len / 4 - 1;
    if (c->at < 0 || c->at >= f->width || room < f->count || c->validity.len * 8 < f->count || (!c->form && *name) ||
        c->scale < 0)
        return "there must be room for as many values";
    return NULL;
}

PyDoc_STRVAR(columns_doc,
             "columns(data, starts, fields, width, quote, words, wanted) -> a list with (nulls, content) of each, or None.\n\n"
             "wanted: tuples of a column's number, its form, precision and scale, a buffer for its values, and one for their\n"
             "validity with all bits set. The form is an Arrow type (int64, int32, int16, double, decimal128, date32[day],\n"
             "timestamp[us]), and the answer None where a field is not in the plain form of such; or nothing for text, where\n"
             "the buffer is for the offsets of 4 bytes, one more than there are records, into the content. Null is what is\n"
             "empty, and text that is one of the words (a tuple of bytes), where it has no quotes.");

static PyObject *columns(PyObject *self, PyObject *args)
{
    Py_buffer b[3];
    struct fields f;
    PyObject *words, *wanted, *found = NULL;
    if (!PyArg_ParseTuple(args, "y*y*y*niO!O!", &b[0], &b[1], &b[2], &f.width, &f.quote, &PyTuple_Type, &words, &PyTuple_Type,
                          &wanted))
        return NULL;
    f.data = b[0].buf, f.starts = b[1].buf, f.ends = b[2].buf;
    f.size = b[0].len, f.count = b[1].len / 8;
    Py_ssize_t many = PyTuple_Size(words), width = PyTuple_Size(wanted), begun = 0;
    struct word *known = PyMem_Calloc((size_t)many + 1, sizeof *known);
    struct column *all = PyMem_Calloc((size_t)width + 1, sizeof *all);
    const char *why = known == NULL || all == NULL ? "there is no memory for so many" : NULL;
    if (f.width < 1 || f.size > INT32_MAX || b[2].len / 4 / f.width < f.count)
        why = "there must be as many fields";
    for (Py_ssize_t one = 0; why == NULL && one < many; one++)
        if (PyBytes_AsStringAndSize(PyTuple_GetItem(words, one), &known[one].text, &known[one].size) < 0) {
            PyErr_Clear();
            why = "a word must be bytes";
        }
    while (why == NULL && begun < width)
        why = started(PyTuple_GetItem(wanted, begun), &f, &all[begun]), begun++;
    if (why == NULL) {
        Py_BEGIN_ALLOW_THREADS
        if (!lie_within(&f))
            why = "a field lies outside the data";
        for (Py_ssize_t row = 0; why == NULL && row < f.count; row += ROWS) {
            Py_ssize_t stop = row + ROWS < f.count ? row + ROWS : f.count;
            for (struct column *c = all; c < all + width; c++)
                if (c->form == NULL)
                    measure(&f, c, row, stop, known, many);
                else if (!c->is_declined)
                    c->form->fill(&f, c, row, stop);
        }
        Py_END_ALLOW_THREADS
    }
    if (why == NULL)
        found = PyList_New(width);
    for (Py_ssize_t one = 0; found != NULL && one < width; one++) {
        struct column *c = &all[one];
        PyObject *made = c->form == NULL ? PyBytes_FromStringAndSize(NULL, c->total) : Py_NewRef(Py_None);
        PyObject *told = made == NULL ? NULL : c->is_declined ? Py_NewRef(Py_None) : Py_BuildValue("(nO)", c->nulls, made);
        if (made != NULL && c->form == NULL) {
            c->content = (unsigned char *)PyBytes_AsString(made);
            ((int32_t *)c->into.buf)[f.count] = (int32_t)c->total;
        }
        Py_XDECREF(made);
        if (told == NULL)
            Py_CLEAR(found);
        else
            PyList_SetItem(found, one, told);
    }
    if (found != NULL) {
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t row = 0; row < f.count; row += ROWS)
            for (struct column *c = all; c < all + width; c++)
                if (c->form == NULL)
                    copy(&f, c, row, row + ROWS < f.count ? row + ROWS : f.count);
        Py_END_ALLOW_THREADS
    }
    while (begun--) {
        if (all[begun].into.obj != NULL)
            PyBuffer_Release(&all[begun].into);
        if (all[begun].validity.obj != NULL)
            PyBuffer_Release(&all[begun].validity);
    }
    PyMem_Free(known);
    PyMem_Free(all);
    if (why != NULL)
        return wrong(b, 3, why);
    release(b, 3);
    return found;
}

static PyMethodDef methods[] = {
    {"line_feeds", line_feeds, METH_VARARGS, line_feeds_doc},
    {"split", split, METH_VARARGS, split_doc},
    {"columns", columns, METH_VARARGS, columns_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "compiled", "Delimited text in bulk.", 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_compiled(void)
{
    return PyModuleDef_Init(&module);
}
