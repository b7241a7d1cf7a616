/* Rows of Arrow columns as text, without the interpreter's lock: delimited lines and JSON objects. Which columns are
   written by themselves, and how all others become text first, is told in lines.py. Numbers are in the machine's order;
   ValueError for buffers that do not fit together. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef const unsigned char *bytes;

enum form { SIGNED, UNSIGNED, DOUBLE, DECIMAL, BOOLEAN, DATE, TEXT, LIST, STRUCT };
enum style { BARE, DELIMITED, JSON_STRING }; /* of text */
enum { DEEPEST = 64, MOST_DIGITS = 48, SLACK = 16 };

/* Text that lies where so many bytes behind it can be read too. */
struct piece {
    char *text;
    Py_ssize_t size;
};

/* An array: `length` values from `first` on in its buffers. A value is `width` bytes; of text and lists, an offset is. */
struct node {
    enum form form;
    enum style style;
    int width, scale, quotes_all;
    Py_ssize_t first, length, many;
    size_t fixed; /* bytes that a value may take, but for texts and lists' items */
    struct piece null;
    Py_buffer validity, values, content;
    struct node *children;
    struct piece *before; /* of each child */
};

/* What delimited lines need: 1 for each byte that asks for quotes, 2 for one that may begin a byte order mark. */
struct rules {
    unsigned char special[256];
    unsigned char quote;
    struct piece *words; /* texts that ask for quotes */
    Py_ssize_t many;
};

/* `reserve` bytes are always free behind what was written last, for all of a row that is not text or in a list. */
struct out {
    unsigned char *text;
    size_t used, room, reserve;
    int is_full, is_declined; /* nothing more is written then */
};

/* Makes room for so many bytes more. Once there is none nothing more is written. */
static void room_for(struct out *o, size_t size)
{
    size_t need = size + o->reserve;
    if (o->room - o->used >= need)
        return;
    size_t room = o->room ? o->room : 1 << 16;
    while (room - o->used < need && room <= SIZE_MAX / 4)
        room *= 2;
    unsigned char *text = room - o->used < need ? NULL : realloc(o->text, room);
    if (text == NULL)
        o->is_full = 1;
    else
        o->text = text, o->room = room;
}

/* Where room was made: */
static inline void put(struct out *o, const void *text, size_t size)
{
    memcpy(o->text + o->used, text, size);
    o->used += size;
}

/* The same for what is mostly short, where reading and writing so many bytes too much does no harm. */
static inline void put_short(struct out *o, const void *text, size_t size)
{
    if (size <= SLACK)
        memcpy(o->text + o->used, text, SLACK);
    else
        memcpy(o->text + o->used, text, size);
    o->used += size;
}

static inline void put_one(struct out *o, unsigned char sign)
{
    o->text[o->used++] = sign;
}

static const char PAIRS[] = "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
                            "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

/* The digits of a number, written towards the front from `end` on; where they begin. */
static inline unsigned char *digits(unsigned char *end, uint64_t number)
{
    while (number >= 100) {
        end -= 2;
        memcpy(end, PAIRS + number % 100 * 2, 2);
        number /= 100;
    }
    if (number >= 10) {
        end -= 2;
        memcpy(end, PAIRS + number * 2, 2);
    } else
        *--end = (unsigned char)('0' + number);
    return end;
}

static inline void put_number(struct out *o, int is_negative, uint64_t number)
{
    unsigned char room[MOST_DIGITS + SLACK], *end = room + MOST_DIGITS, *begin = digits(end, number);
    if (is_negative)
        *--begin = '-';
    put_short(o, begin, (size_t)(end - begin));
}

static uint64_t unsigned_at(bytes p, int width)
{
    switch (width) {
    case 1:
        return *p;
    case 2: {
        uint16_t value;
        memcpy(&value, p, 2);
        return value;
    }
    case 4: {
        uint32_t value;
        memcpy(&value, p, 4);
        return value;
    }
    default: {
        uint64_t value;
        memcpy(&value, p, 8);
        return value;
    }
    }
}

static int64_t signed_at(bytes p, int width)
{
    uint64_t value = unsigned_at(p, width);
    if (width == 8)
        return (int64_t)value;
    uint64_t sign = UINT64_C(1) << (width * 8 - 1);
    return (int64_t)((value ^ sign) - sign);
}

static double double_at(bytes p)
{
    double value;
    memcpy(&value, p, 8);
    return value;
}

static inline int is_minus_zero(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, 8);
    return bits == UINT64_C(1) << 63;
}

/* A decimal of 16 bytes, all of its scale's digits behind the point. */
static void put_decimal(struct out *o, bytes p, int scale)
{
    uint64_t low, high;
    memcpy(&low, p, 8);
    memcpy(&high, p + 8, 8);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    uint64_t swapped = low;
    low = high, high = swapped;
#endif
    int is_negative = (int64_t)high < 0;
    if (is_negative) {
        low = ~low + 1;
        high = ~high + (low == 0);
    }
    unsigned char room[MOST_DIGITS + SLACK], *end = room + MOST_DIGITS, *begin = end;
    if (high == 0)
        begin = digits(end, low);
    else { /* by pieces of 9 digits, in 32 bits: no compiler lacks what this needs */
        uint32_t parts[4] = {(uint32_t)(high >> 32), (uint32_t)high, (uint32_t)(low >> 32), (uint32_t)low};
        while (parts[0] | parts[1] | parts[2]) {
            uint64_t rest = 0;
            for (int at = 0; at < 4; at++) {
                rest = rest << 32 | parts[at];
                parts[at] = (uint32_t)(rest / 1000000000);
                rest %= 1000000000;
            }
            for (int at = 0; at < 9; at++, rest /= 10)
                *--begin = (unsigned char)('0' + rest % 10);
        }
        if (parts[3])
            begin = digits(begin, parts[3]);
    }
    while (end - begin <= scale) /* a digit stands before the point */
        *--begin = '0';
    if (is_negative)
        *--begin = '-';
    put_short(o, begin, (size_t)(end - begin - scale));
    if (scale) {
        put_one(o, '.');
        put_short(o, end - scale, (size_t)scale);
    }
}

/* A double below 10^10 that is a number of at most 15 digits, 5 of them behind the point, written with as few: no other number of so few
   is the same double, so that no shorter text is (15 digits survive, as C's DBL_DIG says). The quotient is the double next
   to the number, for both are doubles (W. D. Clinger, How to Read Floating Point Numbers Accurately, 1990). With `point`
   a whole number has one too. 0 where it is no such double. */
static inline int put_double(struct out *o, double value, int point)
{
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5};
    double size = value < 0 ? -value : value;
    if (!(size < 1e10) || is_minus_zero(value))
        return 0;
    for (int scale = 0; scale < 6; scale++) {
        uint64_t number = (uint64_t)(size * powers[scale] + 0.5);
        if ((double)number / powers[scale] != size)
            continue;
        unsigned char room[MOST_DIGITS + SLACK], *end = room + MOST_DIGITS, *begin = digits(end, number);
        while (end - begin <= scale)
            *--begin = '0';
        if (value < 0)
            *--begin = '-';
        put_short(o, begin, (size_t)(end - begin - scale));
        if (scale) {
            put_one(o, '.');
            put_short(o, end - scale, (size_t)scale);
        } else if (point)
            put_short(o, ".0             ", 2);
        return 1;
    }
    return 0;
}

/* YYYY-MM-DD of days from 1970-01-01, of the years 1 to 9999 (H. Hinnant, chrono-compatible date algorithms). */
static inline void put_date(struct out *o, int32_t days)
{
    uint32_t day = (uint32_t)days + 719468, era = day / 146097, of_era = day - era * 146097;
    uint32_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint32_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t from_march = (5 * of_year + 2) / 153, month = from_march < 10 ? from_march + 3 : from_march - 9;
    uint32_t year = (year_of_era + era * 400 + (month <= 2)) % 10000;
    unsigned char *text = o->text + o->used;
    memcpy(text, PAIRS + year / 100 * 2, 2);
    memcpy(text + 2, PAIRS + year % 100 * 2, 2);
    text[4] = text[7] = '-';
    memcpy(text + 5, PAIRS + month * 2, 2);
    memcpy(text + 8, PAIRS + (of_year - (153 * from_march + 2) / 5 + 1) * 2, 2);
    o->used += 10;
}

/* Where the next byte stands of which a table says something, or the size. */
static inline Py_ssize_t next(const unsigned char table[256], bytes p, Py_ssize_t at, Py_ssize_t size)
{
    for (; size - at >= 8; at += 8) {
        bytes q = p + at;
        if (table[q[0]] | table[q[1]] | table[q[2]] | table[q[3]] | table[q[4]] | table[q[5]] | table[q[6]] | table[q[7]])
            break;
    }
    while (at < size && !table[p[at]])
        at++;
    return at;
}

static int asks_for_quotes(const struct rules *r, bytes p, Py_ssize_t size)
{
    for (Py_ssize_t at = 0; (at = next(r->special, p, at, size)) < size; at++)
        if (r->special[p[at]] == 1 || (size - at > 2 && p[at + 1] == 0xBB && p[at + 2] == 0xBF))
            return 1;
    for (Py_ssize_t one = 0; one < r->many; one++)
        if (r->words[one].size == size && !memcmp(r->words[one].text, p, (size_t)size))
            return 1;
    return 0;
}

static void put_quoted(struct out *o, unsigned char quote, bytes p, Py_ssize_t size)
{
    put_one(o, quote);
    for (bytes end = p + size; p < end;) {
        bytes next = memchr(p, quote, (size_t)(end - p)), stop = next == NULL ? end : next + 1;
        put(o, p, (size_t)(stop - p));
        if (next != NULL)
            put_one(o, quote);
        p = stop;
    }
    put_one(o, quote);
}

static void put_json(struct out *o, bytes p, Py_ssize_t size)
{
    static const char hex[] = "0123456789abcdef";
    static const unsigned char escaped[256] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                               1, 1, 1, 1, 1, 1, 1, 1, ['"'] = 1, ['\\'] = 1};
    put_one(o, '"');
    Py_ssize_t from = 0;
    for (Py_ssize_t at = 0; (at = next(escaped, p, at, size)) < size; at++) {
        unsigned char sign = p[at], named = 0;
        put(o, p + from, (size_t)(at - from));
        from = at + 1;
        switch (sign) {
        case '"':
        case '\\':
            named = sign;
            break;
        case '\b':
            named = 'b';
            break;
        case '\f':
            named = 'f';
            break;
        case '\n':
            named = 'n';
            break;
        case '\r':
            named = 'r';
            break;
        case '\t':
            named = 't';
            break;
        }
        put_one(o, '\\');
        if (named)
            put_one(o, named);
        else {
            char code[] = {'u', '0', '0', hex[sign >> 4], hex[sign & 15]};
            put(o, code, 5);
        }
    }
    put(o, p + from, (size_t)(size - from));
    put_one(o, '"');
}

static inline int is_null(const struct node *n, Py_ssize_t at)
{
    return n->validity.obj != NULL && !(((bytes)n->validity.buf)[at >> 3] >> (at & 7) & 1);
}

static void value(struct out *o, const struct node *n, const struct rules *r, Py_ssize_t row);

static void members(struct out *o, const struct node *n, const struct rules *r, Py_ssize_t row)
{
    for (Py_ssize_t one = 0; one < n->many && !o->is_full && !o->is_declined; one++) {
        put_short(o, n->before[one].text, (size_t)n->before[one].size);
        value(o, &n->children[one], r, row);
    }
}

/* The value number `row` of those that a node has. */
static void value(struct out *o, const struct node *n, const struct rules *r, Py_ssize_t row)
{
    Py_ssize_t at = n->first + row;
    if (is_null(n, at)) {
        put_short(o, n->null.text, (size_t)n->null.size);
        return;
    }
    bytes held = n->values.buf;
    if (n->quotes_all && n->form != TEXT)
        put_one(o, r->quote);
    switch (n->form) {
    case SIGNED: {
        int64_t number = signed_at(held + at * n->width, n->width);
        put_number(o, number < 0, number < 0 ? ~(uint64_t)number + 1 : (uint64_t)number);
        break;
    }
    case UNSIGNED:
        put_number(o, 0, unsigned_at(held + at * n->width, n->width));
        break;
    case DOUBLE:
        o->is_declined |= !put_double(o, double_at(held + at * 8), n->scale);
        break;
    case DECIMAL:
        put_decimal(o, held + at * 16, n->scale);
        break;
    case BOOLEAN:
        if (held[at >> 3] >> (at & 7) & 1)
            put(o, "true", 4);
        else
            put(o, "false", 5);
        break;
    case DATE:
        put_date(o, (int32_t)signed_at(held + at * 4, 4));
        break;
    case TEXT: {
        int64_t from = signed_at(held + at * n->width, n->width), to = signed_at(held + (at + 1) * n->width, n->width);
        bytes text = (bytes)n->content.buf + from;
        Py_ssize_t size = (Py_ssize_t)(to - from);
        room_for(o, (size_t)size * (n->style == JSON_STRING ? 6 : 2)); /* as much as it may become */
        if (o->is_full)
            return;
        if (n->style == JSON_STRING)
            put_json(o, text, size);
        else if (n->style == DELIMITED && (n->quotes_all || asks_for_quotes(r, text, size)))
            put_quoted(o, r->quote, text, size);
        else if (from + SLACK <= n->content.len)
            put_short(o, text, (size_t)size);
        else
            put(o, text, (size_t)size);
        break;
    }
    case LIST: {
        int64_t from = signed_at(held + at * n->width, n->width), to = signed_at(held + (at + 1) * n->width, n->width);
        put_one(o, '[');
        for (int64_t item = from; item < to; item++) {
            room_for(o, n->children->fixed + 1);
            if (o->is_full || o->is_declined)
                return;
            if (item > from)
                put_one(o, ',');
            value(o, n->children, r, (Py_ssize_t)item);
        }
        put_one(o, ']');
        break;
    }
    case STRUCT:
        members(o, n, r, row);
        put_one(o, '}');
        break;
    }
    if (n->quotes_all && n->form != TEXT)
        put_one(o, r->quote);
}

static const char NO_MEMORY[] = "there is no memory for so many";

/* Whether offsets rise and end within `size`. */
static int rise(const struct node *n, Py_ssize_t size)
{
    bytes p = (bytes)n->values.buf + n->first * n->width;
    int64_t before = signed_at(p, n->width);
    if (before < 0)
        return 0;
    for (Py_ssize_t row = 0; row < n->length; row++) {
        p += n->width;
        int64_t next = signed_at(p, n->width);
        if (next < before)
            return 0;
        before = next;
    }
    return before <= size;
}

static const char *told(PyObject *given, struct node *n, int depth);

static const char *kept(struct piece *into, const char *text, Py_ssize_t size)
{
    into->text = calloc((size_t)size + SLACK, 1);
    if (into->text == NULL)
        return NO_MEMORY;
    memcpy(into->text, text, (size_t)size);
    into->size = size;
    return NULL;
}

static const char *pieces(PyObject *given, struct piece *into)
{
    const char *why = NULL;
    for (Py_ssize_t one = 0; why == NULL && one < PyTuple_Size(given); one++) {
        char *text;
        Py_ssize_t size;
        if (PyBytes_AsStringAndSize(PyTuple_GetItem(given, one), &text, &size) < 0) {
            PyErr_Clear();
            return "what stands before a value must be bytes";
        }
        why = kept(&into[one], text, size);
    }
    return why;
}

static const char *children_told(PyObject *children, PyObject *before, struct node *n, int depth)
{
    Py_ssize_t many = PyTuple_Size(children);
    if (depth > DEEPEST)
        return "it is nested too deep";
    if (PyTuple_Size(before) != (n->form == LIST ? 0 : many) || (n->form == LIST && many != 1))
        return "each member must have something before it";
    n->children = calloc((size_t)many + 1, sizeof *n->children);
    n->before = calloc((size_t)many + 1, sizeof *n->before);
    if (n->children == NULL || n->before == NULL)
        return NO_MEMORY;
    n->many = many;
    const char *why = pieces(before, n->before);
    for (Py_ssize_t one = 0; why == NULL && one < many; one++) {
        why = told(PyTuple_GetItem(children, one), &n->children[one], depth + 1);
        n->fixed += n->form == LIST ? 0 : n->children[one].fixed + (size_t)n->before[one].size;
    }
    return why;
}

static int buffered(PyObject *given, Py_buffer *into)
{
    if (given == Py_None || PyObject_GetBuffer(given, into, PyBUF_SIMPLE) == 0)
        return 1;
    PyErr_Clear();
    into->obj = NULL;
    return 0;
}

/* Takes over what is told of an array. */
static const char *told(PyObject *given, struct node *n, int depth)
{
    const char *form;
    const char *null;
    Py_ssize_t of_null;
    PyObject *validity, *values, *content, *children, *before;
    int style;
    if (!PyTuple_Check(given) ||
        !PyArg_ParseTuple(given, "siiipnny#OOOO!O!", &form, &style, &n->width, &n->scale, &n->quotes_all, &n->first, &n->length,
                          &null, &of_null, &validity, &values, &content, &PyTuple_Type, &children, &PyTuple_Type, &before)) {
        PyErr_Clear();
        return "an array must be told by its form, place, buffers and children";
    }
    static const char *const forms[] = {"signed", "unsigned", "double", "decimal", "bool", "date", "text", "list", "struct"};
    int known = -1;
    for (int one = 0; one < 9; one++)
        if (!strcmp(form, forms[one]))
            known = one;
    if (known < 0 || style < BARE || style > JSON_STRING)
        return "there is no such form";
    n->form = (enum form)known, n->style = (enum style)style;
    n->fixed = (size_t)of_null + MOST_DIGITS + SLACK;
    const char *why = kept(&n->null, null, of_null);
    if (why != NULL)
        return why;
    if (!buffered(validity, &n->validity) || !buffered(values, &n->values) || !buffered(content, &n->content))
        return "buffers must be bytes";
    Py_ssize_t most = PY_SSIZE_T_MAX / 32, end = n->first + n->length;
    if (n->first < 0 || n->length < 0 || n->first > most || n->length > most || n->scale < 0 || n->scale > 38)
        return "there cannot be so many";
    int has_offsets = n->form == TEXT || n->form == LIST;
    int width = n->form == DECIMAL ? 16 : n->form == DOUBLE ? 8 : n->form == DATE ? 4 : n->width;
    if ((n->form <= UNSIGNED && width != 1 && width != 2 && width != 4 && width != 8) || (has_offsets && width != 4 && width != 8))
        return "there are no values of such a width";
    Py_ssize_t need = n->form == STRUCT ? 0 : n->form == BOOLEAN ? (end + 7) / 8 : (end + has_offsets) * width;
    if (n->values.len < need || (n->validity.obj != NULL && n->validity.len < (end + 7) / 8))
        return "there must be as many values";
    why = n->form == LIST || n->form == STRUCT ? children_told(children, before, n, depth) : NULL;
    if (why != NULL)
        return why;
    if (has_offsets && !rise(n, n->form == TEXT ? n->content.len : n->children[0].length))
        return "an offset lies outside";
    for (Py_ssize_t one = 0; n->form == STRUCT && one < n->many; one++)
        if (n->children[one].length < n->length)
            return "there must be as many members";
    return NULL;
}

static void forget(struct node *n)
{
    for (Py_ssize_t one = 0; n->children != NULL && one < n->many; one++)
        forget(&n->children[one]);
    for (Py_ssize_t one = 0; n->before != NULL && one < n->many; one++)
        free(n->before[one].text);
    free(n->children);
    free(n->before);
    free(n->null.text);
    Py_buffer *all[] = {&n->validity, &n->values, &n->content};
    for (int one = 0; one < 3; one++)
        if (all[one]->obj != NULL)
            PyBuffer_Release(all[one]);
}

PyDoc_STRVAR(render_doc,
             "render(rows, after, special, quote, words) -> bytes: each row's members, then `after`. None where a double is not of\n"
             "few digits.\n\n"
             "rows: a struct, told as each array is: form (signed, unsigned, double, decimal, bool, date, text, list, struct), style\n"
             "of text (0 as it is, 1 quoted where needed, 2 a JSON string), width of a value or offset in bytes, scale (of\n"
             "doubles whether whole ones have a point),\n"
             "whether all values are quoted, the first value's number in the buffers, the number of values, what stands for\n"
             "null, buffers of validity, of values or offsets, and of content (None where there is none), children, and what\n"
             "stands before each. special: for each of 256 bytes, 1 where text with it is quoted, 2 where it may begin a\n"
             "byte order mark; words: texts that are quoted. Dates are of the years 1 to 9999.");

static PyObject *render(PyObject *self, PyObject *args)
{
    PyObject *given, *words, *found = NULL;
    const char *after, *special;
    Py_ssize_t of_after, of_special;
    struct rules r = {0};
    struct out o = {0};
    int quote;
    if (!PyArg_ParseTuple(args, "Oy#y#iO!", &given, &after, &of_after, &special, &of_special, &quote, &PyTuple_Type, &words))
        return NULL;
    struct node rows;
    memset(&rows, 0, sizeof rows);
    r.quote = (unsigned char)quote;
    r.many = PyTuple_Size(words);
    r.words = calloc((size_t)r.many + 1, sizeof *r.words);
    const char *why = r.words == NULL ? NO_MEMORY : of_special != 256 ? "there are 256 bytes" : pieces(words, r.words);
    if (why == NULL)
        why = told(given, &rows, 0);
    if (why == NULL && rows.form != STRUCT)
        why = "rows must be a struct";
    if (why == NULL) {
        memcpy(r.special, special, 256);
        o.reserve = rows.fixed + (size_t)of_after + SLACK;
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t row = 0; row < rows.length && !o.is_full && !o.is_declined; row++) {
            room_for(&o, 0);
            if (o.is_full)
                break;
            members(&o, &rows, &r, row);
            if (!o.is_full)
                put(&o, after, (size_t)of_after);
        }
        Py_END_ALLOW_THREADS
        if (o.is_full || o.used > (size_t)PY_SSIZE_T_MAX)
            PyErr_NoMemory();
        else if (o.is_declined)
            found = Py_NewRef(Py_None);
        else
            found = PyBytes_FromStringAndSize((const char *)o.text, (Py_ssize_t)o.used);
    } else
        PyErr_SetString(PyExc_ValueError, why);
    free(o.text);
    for (Py_ssize_t one = 0; r.words != NULL && one < r.many; one++)
        free(r.words[one].text);
    free(r.words);
    forget(&rows);
    return found;
}

static PyMethodDef methods[] = {
    {"render", render, METH_VARARGS, render_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "lines_compiled", "Rows as text.", 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_lines_compiled(void)
{
    return PyModuleDef_Init(&module);
}
