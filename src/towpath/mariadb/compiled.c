/* Rows of the text protocol (https://mariadb.com/kb/en/result-set-packets/) as Arrow's buffers, without the interpreter's
   lock. Only what is plainly in order is taken: a packet that is no row of one packet is left where it is, and a column with
   a cell that is not plainly a value of its type comes as the cells' bytes. The careful code in Python has these.
   ValueError for buffers that do not fit together. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <float.h>
#include <stdint.h>
#include <string.h>

typedef const unsigned char *bytes;

enum { HEADER = 4, LONGEST = 0xFFFFFF, END = 0xFE, ERROR = 0xFF, MOST_OF_AN_END = 8 };
enum { NULL_CELL = 251, TWO, THREE, EIGHT };

enum kind { BOOL, INTEGER, FLOATING, DECIMAL, DATE, MOMENT, TIME, TEXT, BINARY };

/* What a value takes in Arrow, and the digits of a second that it has. */
static const struct form {
    const char *name;
    enum kind kind;
    int held, is_signed, fraction;
} FORMS[] = {
    {"bool", BOOL, 0, 0, 0},          {"int8", INTEGER, 1, 1, 0},      {"int16", INTEGER, 2, 1, 0},
    {"int32", INTEGER, 4, 1, 0},      {"int64", INTEGER, 8, 1, 0},     {"uint8", INTEGER, 1, 0, 0},
    {"uint16", INTEGER, 2, 0, 0},     {"uint32", INTEGER, 4, 0, 0},    {"uint64", INTEGER, 8, 0, 0},
    {"float", FLOATING, 4, 1, 0},     {"double", FLOATING, 8, 1, 0},   {"decimal128", DECIMAL, 16, 1, 0},
    {"date32[day]", DATE, 4, 0, 0},   {"timestamp[s]", MOMENT, 8, 0, 0}, {"timestamp[ms]", MOMENT, 8, 0, 3},
    {"timestamp[us]", MOMENT, 8, 0, 6}, {"time32[s]", TIME, 4, 0, 0},  {"time32[ms]", TIME, 4, 0, 3},
    {"time64[us]", TIME, 8, 0, 6},    {"string", TEXT, 4, 0, 0},       {"binary", BINARY, 4, 0, 0},
};

static const int64_t TENS[] = {1, 10, 100, 1000, 10000, 100000, 1000000};

struct column {
    const struct form *form; /* of a column that is declined: that of bytes */
    int precision, scale, is_declined;
    Py_ssize_t nulls, total;
    PyObject *objects[3]; /* validity, values, content */
    unsigned char *validity, *values, *content;
};

static inline int holds_bytes(const struct column *c)
{
    return c->form->kind == TEXT || c->form->kind == BINARY;
}

static inline Py_ssize_t size_of_packet(bytes p)
{
    return (Py_ssize_t)p[0] | (Py_ssize_t)p[1] << 8 | (Py_ssize_t)p[2] << 16;
}

PyDoc_STRVAR(packets_doc,
             "packets(data, size, at, ends, rows, most_bytes) -> (rows, at), further on.\n\n"
             "Of the first size bytes of data, from at on: notes where each whole row ends, in ends (8 bytes each) after those\n"
             "that it has, until it is full, or at is beyond most_bytes, or what comes is not all there, or no row of one packet.");

static PyObject *packets(PyObject *self, PyObject *args)
{
    Py_buffer b[2];
    Py_ssize_t size, at, rows, most_bytes;
    if (!PyArg_ParseTuple(args, "y*nnw*nn", &b[0], &size, &at, &b[1], &rows, &most_bytes))
        return NULL;
    bytes p = b[0].buf;
    Py_ssize_t room = b[1].len / 8;
    int is_wrong = size < 0 || size > b[0].len || at < 0 || at > size || rows < 0 || rows > room;
    while (!is_wrong && rows < room && size - at > HEADER && at <= most_bytes) {
        Py_ssize_t payload = size_of_packet(p + at);
        unsigned char first = p[at + HEADER];
        if (payload == 0 || payload == LONGEST || payload > size - at - HEADER)
            break;
        if (first == ERROR || (first == END && payload <= MOST_OF_AN_END))
            break;
        int64_t end = at += HEADER + payload;
        memcpy((unsigned char *)b[1].buf + 8 * rows++, &end, 8);
    }
    PyBuffer_Release(&b[0]);
    PyBuffer_Release(&b[1]);
    if (is_wrong) {
        PyErr_SetString(PyExc_ValueError, "these are no places in such buffers");
        return NULL;
    }
    return Py_BuildValue("(nn)", rows, at);
}

/* Takes the length of the next cell of a row, -1 for null; whether the row has one. */
static inline int next(bytes *at, bytes end, Py_ssize_t *size)
{
    bytes p = *at;
    if (p == end)
        return 0;
    int first = *p++, width = first == TWO ? 2 : first == THREE ? 3 : first == EIGHT ? 8 : 0;
    uint64_t found = (uint64_t)first;
    if (first >= NULL_CELL) {
        if (first == NULL_CELL) {
            *size = -1;
            *at = p;
            return 1;
        }
        if (!width || width > end - p)
            return 0;
        found = 0;
        for (int byte = 0; byte < width; byte++)
            found |= (uint64_t)p[byte] << (8 * byte);
        p += width;
    }
    if (found > (uint64_t)(end - p))
        return 0;
    *size = (Py_ssize_t)found;
    *at = p;
    return 1;
}

static inline int is_digit(unsigned char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* -?[0-9]+, also with zeros before it. Each function of a form keeps a value and says so, or does not. */
static inline int integer(bytes p, Py_ssize_t size, const struct column *c, unsigned char *into)
{
    int is_negative = size > 0 && *p == '-', bits = c->form->held * 8;
    bytes end = p + size;
    p += is_negative;
    if (p == end || end - p > 20 || (is_negative && !c->form->is_signed))
        return 0;
    uint64_t found = 0, digit, most = UINT64_MAX >> (64 - bits);
    if (c->form->is_signed)
        most = (most >> 1) + (uint64_t)is_negative;
    int is_last = end - p == 20;
    for (bytes stop = end - is_last; p < stop; p++) {
        if (!is_digit(*p))
            return 0;
        found = found * 10 + (uint64_t)(*p - '0');
    }
    if (is_last) {
        digit = (uint64_t)(*p - '0');
        if (!is_digit(*p) || found > (UINT64_MAX - digit) / 10)
            return 0;
        found = found * 10 + digit;
    }
    if (found > most)
        return 0;
    found = is_negative ? 0 - found : found;
    uint8_t one = (uint8_t)found;
    uint16_t two = (uint16_t)found;
    uint32_t four = (uint32_t)found;
    switch (c->form->held) {
    case 1:
        memcpy(into, &one, 1);
        break;
    case 2:
        memcpy(into, &two, 2);
        break;
    case 4:
        memcpy(into, &four, 4);
        break;
    default:
        memcpy(into, &found, 8);
    }
    return 1;
}

#ifdef __SIZEOF_INT128__
typedef unsigned __int128 wide;

static const uint64_t FIVES[] = {
    UINT64_C(1), UINT64_C(5), UINT64_C(25), UINT64_C(125), UINT64_C(625), UINT64_C(3125), UINT64_C(15625), UINT64_C(78125),
    UINT64_C(390625), UINT64_C(1953125), UINT64_C(9765625), UINT64_C(48828125), UINT64_C(244140625), UINT64_C(1220703125),
    UINT64_C(6103515625), UINT64_C(30517578125), UINT64_C(152587890625), UINT64_C(762939453125), UINT64_C(3814697265625),
    UINT64_C(19073486328125), UINT64_C(95367431640625), UINT64_C(476837158203125), UINT64_C(2384185791015625),
    UINT64_C(11920928955078125), UINT64_C(59604644775390625), UINT64_C(298023223876953125), UINT64_C(1490116119384765625),
    UINT64_C(7450580596923828125),
};
enum { FARTHEST = sizeof FIVES / sizeof *FIVES - 1 };

static inline int width_of(wide number)
{
    int found = 0;
    for (int step = 64; step; step /= 2)
        if (number >> step) {
            number >>= step;
            found += step;
        }
    return found + 1;
}

/* The double next to number * 10^ten, of two the even one: whole numbers of 127 bits tell it exactly. The number is not 0. */
static int nearest(uint64_t number, int64_t ten, double *value)
{
    if (ten < -FARTHEST || ten > FARTHEST)
        return 0;
    wide whole = number;
    int up = 0, is_more = 0;
    if (ten >= 0) {
        whole *= FIVES[ten];
        up = width_of(whole) < 64 ? 64 - width_of(whole) : 0; /* so that there is something to drop */
        whole <<= up;
    } else {
        up = 127 - width_of(whole);
        wide divided = whole << up;
        whole = divided / FIVES[-ten];
        is_more = whole * FIVES[-ten] != divided;
    }
    int drop = width_of(whole) - DBL_MANT_DIG, power = drop - up + (int)ten;
    uint64_t digits = (uint64_t)(whole >> drop);
    wide rest = whole & (((wide)1 << drop) - 1), half = (wide)1 << (drop - 1);
    digits += rest > half || (rest == half && (is_more || digits & 1));
    if (digits >> DBL_MANT_DIG) {
        digits >>= 1;
        power++;
    }
    uint64_t bits = (uint64_t)(power + 1075) << 52 | (digits & ((UINT64_C(1) << 52) - 1));
    memcpy(value, &bits, sizeof bits);
    return 1;
}
#else
static int nearest(uint64_t number, int64_t ten, double *value)
{
    (void)number, (void)ten, (void)value;
    return 0;
}
#endif

/* Of at most 15 digits, and no power of ten beyond 22: both are doubles then, so that what they make is the double next to
   the text (W. D. Clinger, How to Read Floating Point Numbers Accurately, 1990). */
static int exact(uint64_t number, int64_t ten, double *value)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (number >= UINT64_C(1000000000000000) || ten < -22 || ten > 22)
        return 0;
    *value = ten < 0 ? (double)number / powers[-ten] : (double)number * powers[ten];
    return 1;
}

/* -?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)? of at most 19 digits, and zeros about them. */
static inline int floating(bytes p, Py_ssize_t size, const struct column *c, unsigned char *into)
{
    int is_negative = size > 0 && *p == '-';
    bytes end = p + size, point = NULL, begin;
    uint64_t number = 0;
    int64_t ten = 0;
    int digits = 0;
    begin = p += is_negative;
    for (; p < end && (is_digit(*p) || (*p == '.' && point == NULL && p > begin)); p++) {
        if (*p == '.') {
            point = p;
            continue;
        }
        if (digits < 19) {
            number = number * 10 + (uint64_t)(*p - '0');
            digits += number != 0;
            ten -= point != NULL;
        } else if (*p != '0')
            return 0;
        else
            ten += point == NULL;
    }
    if (p == begin || point == p - 1)
        return 0;
    if (p < end) {
        if (*p != 'e' && *p != 'E')
            return 0;
        p++;
        int is_small = p < end && *p == '-', power = 0;
        p += is_small || (p < end && *p == '+');
        if (p == end || end - p > 4)
            return 0;
        for (; p < end; p++) {
            if (!is_digit(*p))
                return 0;
            power = power * 10 + (*p - '0');
        }
        ten += is_small ? -power : power;
    }
    double found = 0;
    for (; ten < 0 && number && number % 10 == 0; ten++)
        number /= 10;
    if (number && !exact(number, ten, &found) && !nearest(number, ten, &found))
        return 0;
    found = is_negative ? -found : found;
    if (c->form->held == 8) {
        memcpy(into, &found, 8);
        return 1;
    }
    if (found > FLT_MAX || found < -FLT_MAX)
        return 0;
    float single = (float)found;
    memcpy(into, &single, 4);
    return 1;
}

/* -?[0-9]+(\.[0-9]+)? of no more digits than the column has, which has no more than 38: two times 19. */
static inline int decimal(bytes p, Py_ssize_t size, const struct column *c, unsigned char *into)
{
    int is_negative = size > 0 && *p == '-', digits = 0, left = c->scale, has_point = 0;
    bytes end = p + size, begin = p += is_negative;
    uint64_t parts[2] = {0, 0}, power = 1;
    if (p == end || end[-1] == '.')
        return 0;
    for (; p < end || left > 0; p += p < end) {
        uint64_t digit = 0;
        if (p < end && *p == '.' && !has_point && p > begin) {
            has_point = 1;
            continue;
        }
        if (p < end) {
            if (!is_digit(*p))
                return 0;
            digit = (uint64_t)(*p - '0');
        }
        if ((p == end || has_point) && --left < 0)
            return 0;
        digits += digits || digit;
        if (digits > c->precision)
            return 0;
        power *= digits > 19 ? 10 : 1;
        parts[digits > 19] = parts[digits > 19] * 10 + digit;
    }
    uint64_t low = parts[0], high = 0;
    if (digits > 19) {
        uint64_t a = low >> 32, b = low & UINT32_MAX, x = power >> 32, y = power & UINT32_MAX;
        uint64_t middle = a * y + (b * y >> 32), other = b * x + (middle & UINT32_MAX);
        high = a * x + (middle >> 32) + (other >> 32);
        low = low * power + parts[1];
        high += low < parts[1];
    }
    if (is_negative) {
        low = ~low + 1;
        high = ~high + (low == 0);
    }
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    uint64_t swapped = low;
    low = high, high = swapped;
#endif
    memcpy(into, &low, 8);
    memcpy(into + 8, &high, 8);
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

/* HH:MM:SS, and after a point no more digits than are held, as those units. */
static inline int time_of_day(bytes p, Py_ssize_t size, int fraction, int64_t *value)
{
    if (size < 8 || size == 9 || size > (fraction ? 9 + fraction : 8))
        return 0;
    int hour = pair(p), minute = pair(p + 3), second = pair(p + 6);
    if (p[2] != ':' || p[5] != ':' || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
        return 0;
    int64_t part = 0;
    int digits = 0;
    if (size > 8) {
        if (p[8] != '.')
            return 0;
        for (digits = 0; digits < size - 9; digits++) {
            if (!is_digit(p[9 + digits]))
                return 0;
            part = part * 10 + (p[9 + digits] - '0');
        }
    }
    *value = ((hour * 60 + minute) * 60 + second) * TENS[fraction] + part * TENS[fraction - digits];
    return 1;
}

static inline int moment(bytes p, Py_ssize_t size, int fraction, int64_t *value)
{
    int32_t day;
    int64_t time;
    if (size < 19 || p[10] != ' ' || !days(p, &day) || !time_of_day(p + 11, size - 11, fraction, &time))
        return 0;
    *value = day * INT64_C(86400) * TENS[fraction] + time;
    return 1;
}

/* Keeps a value of its form; whether it is plainly one. */
static inline int keep(struct column *c, Py_ssize_t row, bytes p, Py_ssize_t size)
{
    if (holds_bytes(c))
        return 1;
    unsigned char *into = c->values + row * c->form->held;
    int32_t four;
    int64_t eight;
    switch (c->form->kind) {
    case BOOL:
        if (size != 1 || (*p != '0' && *p != '1'))
            return 0;
        c->values[row >> 3] |= (unsigned char)((*p - '0') << (row & 7));
        return 1;
    case INTEGER:
        return integer(p, size, c, into);
    case FLOATING:
        return floating(p, size, c, into);
    case DECIMAL:
        return decimal(p, size, c, into);
    case DATE:
        if (size != 10 || !days(p, &four))
            return 0;
        memcpy(into, &four, 4);
        return 1;
    case MOMENT:
        if (!moment(p, size, c->form->fraction, &eight))
            return 0;
        memcpy(into, &eight, 8);
        return 1;
    case TIME:
        if (!time_of_day(p, size, c->form->fraction, &eight))
            return 0;
        four = (int32_t)eight;
        memcpy(into, c->form->held == 4 ? (void *)&four : (void *)&eight, (size_t)c->form->held);
        return 1;
    case TEXT:
    case BINARY:
        break;
    }
    return 1;
}

static const struct form *form_of(const char *name)
{
    for (size_t one = 0; one < sizeof FORMS / sizeof *FORMS; one++)
        if (!strcmp(FORMS[one].name, name))
            return &FORMS[one];
    return NULL;
}

/* Whole rows: where they end, each with the header of its packet before it. */
struct rows {
    bytes data, ends;
    Py_ssize_t size, count;
};

static inline bytes end_of(const struct rows *r, Py_ssize_t row)
{
    int64_t end;
    memcpy(&end, r->ends + 8 * row, 8);
    return r->data + end;
}

/* Counts nulls and bytes, and keeps values; whether all rows have as many cells as there are columns. */
static int first_walk(const struct rows *r, struct column *all, Py_ssize_t width, const struct form *bare)
{
    bytes p = r->data;
    for (Py_ssize_t row = 0; row < r->count; row++) {
        bytes end = end_of(r, row);
        p += HEADER;
        for (struct column *c = all; c < all + width; c++) {
            Py_ssize_t size;
            if (!next(&p, end, &size))
                return 0;
            if (size < 0) {
                c->validity[row >> 3] &= (unsigned char)~(1 << (row & 7));
                c->nulls++;
                continue;
            }
            c->total += size;
            if (!keep(c, row, p, size)) {
                c->is_declined = 1;
                c->form = bare;
            }
            p += size;
        }
        if (p != end)
            return 0;
    }
    return 1;
}

/* Copies texts and bytes. */
static void second_walk(const struct rows *r, struct column *all, Py_ssize_t width)
{
    bytes p = r->data;
    for (Py_ssize_t row = 0; row < r->count; row++) {
        bytes end = end_of(r, row);
        p += HEADER;
        for (struct column *c = all; c < all + width; c++) {
            Py_ssize_t size = 0;
            next(&p, end, &size);
            size = size < 0 ? 0 : size;
            if (c->content != NULL) {
                int32_t offset;
                memcpy(&offset, c->values + 4 * row, 4);
                if (size <= 16 && c->total - offset >= 16) /* so much of the column, and the data, is still to come */
                    memcpy(c->content + offset, p, 16);    /* what is too much, the next is written over */
                else
                    memcpy(c->content + offset, p, (size_t)size);
                offset += (int32_t)size;
                memcpy(c->values + 4 * (row + 1), &offset, 4);
            }
            p += size;
        }
    }
}

static int is_ascii(bytes p, Py_ssize_t size)
{
    unsigned char all = 0;
    for (Py_ssize_t at = 0; at < size; at++)
        all |= p[at];
    return all < 0x80;
}

/* As RFC 3629 has it: no surrogates, nothing beyond U+10FFFF, nothing longer than it must be. */
static int is_utf8(bytes p, bytes end)
{
    while (p < end) {
        unsigned char first = *p++;
        if (first < 0x80)
            continue;
        int more = first < 0xC2 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : first < 0xF5 ? 3 : 0;
        if (!more || more > end - p)
            return 0;
        unsigned char least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
        unsigned char most = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
        if (*p < least || *p > most)
            return 0;
        for (p++; --more; p++)
            if (*p < 0x80 || *p > 0xBF)
                return 0;
    }
    return 1;
}

static int are_texts(const struct column *c, Py_ssize_t count)
{
    if (is_ascii(c->content, c->total))
        return 1;
    for (Py_ssize_t row = 0; row < count; row++) {
        int32_t bounds[2];
        memcpy(bounds, c->values + 4 * row, 8);
        if (!is_utf8(c->content + bounds[0], c->content + bounds[1]))
            return 0;
    }
    return 1;
}

/* Makes one of a column's buffers; whether there is memory for it. */
static int made(struct column *c, int which, Py_ssize_t size, unsigned char **into, int fill)
{
    Py_XDECREF(c->objects[which]);
    c->objects[which] = PyBytes_FromStringAndSize(NULL, size);
    if (c->objects[which] == NULL)
        return 0;
    *into = (unsigned char *)PyBytes_AsString(c->objects[which]);
    if (fill >= 0)
        memset(*into, fill, (size_t)size);
    return 1;
}

/* Takes the columns' forms, and makes room for the values; what is wrong with them. Python's error may be set instead. */
static const char *begun(PyObject *forms, struct column *all, Py_ssize_t width, Py_ssize_t count)
{
    for (Py_ssize_t at = 0; at < width; at++) {
        struct column *c = &all[at];
        const char *name;
        if (!PyArg_ParseTuple(PyTuple_GetItem(forms, at), "sii", &name, &c->precision, &c->scale)) {
            PyErr_Clear();
            return "a form must be told by name, precision and scale";
        }
        c->form = form_of(name);
        if (c->form == NULL || c->precision < 0 || c->precision > 38 || c->scale < 0 || c->scale > c->precision)
            return "there is no such form";
        if (!made(c, 0, (count + 7) / 8, &c->validity, 0xFF))
            return NULL;
        if (!holds_bytes(c) && !made(c, 1, c->form->kind == BOOL ? (count + 7) / 8 : count * c->form->held, &c->values, 0))
            return NULL;
    }
    return NULL;
}

static PyObject *told(const struct column *c)
{
    PyObject *content = c->objects[2] == NULL ? Py_None : c->objects[2];
    return Py_BuildValue("(OnOOO)", c->is_declined ? Py_False : Py_True, c->nulls, c->objects[0], c->objects[1], content);
}

PyDoc_STRVAR(columns_doc,
             "columns(data, ends, rows, forms) -> a list with (whether it has its form, nulls, validity, values, content or None)\n"
             "of each column, or None: the rows do not have so many cells, or more than 2 GB.\n\n"
             "Row i begins, with the header of its packet, where row i - 1 ends, the first at 0. forms: tuples of an Arrow type's\n"
             "name, precision and scale. What comes are Arrow's buffers: of a column that does not have its form, those of its\n"
             "cells as binary.");

static PyObject *columns(PyObject *self, PyObject *args)
{
    Py_buffer b[2];
    struct rows r;
    PyObject *forms, *found = NULL;
    if (!PyArg_ParseTuple(args, "y*y*nO!", &b[0], &b[1], &r.count, &PyTuple_Type, &forms))
        return NULL;
    r.data = b[0].buf, r.ends = b[1].buf, r.size = b[0].len;
    Py_ssize_t width = PyTuple_Size(forms);
    struct column *all = PyMem_Calloc((size_t)width + 1, sizeof *all);
    const struct form *bare = form_of("binary");
    const char *why = NULL;
    int is_taken = 0;
    if (all == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    if (r.count < 0 || r.count > b[1].len / 8)
        why = "there are no so many rows";
    int64_t begin = 0;
    for (Py_ssize_t row = 0; why == NULL && row < r.count; row++) {
        int64_t end;
        memcpy(&end, r.ends + 8 * row, 8);
        if (end > r.size || end < begin + HEADER)
            why = "a row lies outside the data";
        begin = end;
    }
    if (why == NULL)
        why = begun(forms, all, width, r.count);
    if (why != NULL || PyErr_Occurred())
        goto done;
    if (begin <= INT32_MAX) {
        Py_BEGIN_ALLOW_THREADS
        is_taken = first_walk(&r, all, width, bare);
        Py_END_ALLOW_THREADS
    }
    if (!is_taken)
        goto done;
    int has_bytes = 0;
    for (struct column *c = all; c < all + width; c++)
        if (holds_bytes(c)) {
            has_bytes = 1;
            if (!made(c, 1, 4 * (r.count + 1), &c->values, -1) || !made(c, 2, c->total, &c->content, -1))
                goto done;
            memset(c->values, 0, 4);
        }
    if (has_bytes) {
        Py_BEGIN_ALLOW_THREADS
        second_walk(&r, all, width);
        for (struct column *c = all; c < all + width; c++)
            if (c->form->kind == TEXT)
                c->is_declined = !are_texts(c, r.count);
        Py_END_ALLOW_THREADS
    }
    found = PyList_New(width);
    for (Py_ssize_t at = 0; found != NULL && at < width; at++) {
        PyObject *one = told(&all[at]);
        if (one == NULL)
            Py_CLEAR(found);
        else
            PyList_SetItem(found, at, one);
    }
done:
    for (struct column *c = all; all != NULL && c < all + width; c++)
        for (int at = 0; at < 3; at++)
            Py_XDECREF(c->objects[at]);
    PyMem_Free(all);
    PyBuffer_Release(&b[0]);
    PyBuffer_Release(&b[1]);
    if (why != NULL)
        PyErr_SetString(PyExc_ValueError, why);
    if (found == NULL && !PyErr_Occurred())
        Py_RETURN_NONE;
    return found;
}

static PyMethodDef methods[] = {
    {"packets", packets, METH_VARARGS, packets_doc},
    {"columns", columns, METH_VARARGS, columns_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "compiled", "Rows of MariaDB's text protocol as Arrow's buffers.", 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_compiled(void)
{
    return PyModuleDef_Init(&module);
}
