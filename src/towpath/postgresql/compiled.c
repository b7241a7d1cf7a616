/* Rows in the binary form of PostgreSQL's COPY (https://www.postgresql.org/docs/current/sql-copy.html, Binary Format), made
   of Arrow's buffers and Arrow's buffers made of them, without the interpreter's lock. ValueError for buffers that are too
   short for what they shall hold, and for values that Arrow's types do not. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum kind { BITS, FIXED_2, FIXED_4, FIXED_8, TIME, DAYS, MOMENTS, CONTENT, NUMERIC };

/* What the send function of a type writes (src/backend/utils/adt), how large it may be, and what a value takes in Arrow. */
static const struct form {
    const char *name;
    enum kind kind;
    int most, held;
} FORMS[] = {
    {"bool", BITS, 1, 0},     {"int2", FIXED_2, 2, 2},   {"int4", FIXED_4, 4, 4}, {"int8", FIXED_8, 8, 8},
    {"float4", FIXED_4, 4, 4}, {"float8", FIXED_8, 8, 8}, {"date", DAYS, 4, 4},    {"time", TIME, 8, 8},
    {"timestamp", MOMENTS, 8, 8}, {"bytes", CONTENT, 0, 4}, {"numeric", NUMERIC, 32, 16},
};

#define DAYS_TO_2000 10957
#define MICROSECONDS_TO_2000 INT64_C(946684800000000)

struct column {
    const struct form *form;
    Py_buffer validity, values, content;
    Py_ssize_t offset;
    int scale;
};

static inline unsigned char *put_2(unsigned char *out, uint16_t x)
{
    out[0] = (unsigned char)(x >> 8), out[1] = (unsigned char)x;
    return out + 2;
}

static inline unsigned char *put_4(unsigned char *out, uint32_t x)
{
    for (int at = 0; at < 4; at++)
        out[at] = (unsigned char)(x >> (24 - 8 * at));
    return out + 4;
}

static inline unsigned char *put_8(unsigned char *out, uint64_t x)
{
    for (int at = 0; at < 8; at++)
        out[at] = (unsigned char)(x >> (56 - 8 * at));
    return out + 8;
}

#define NBASE 10000
#define MOST_DIGITS 12

/* The number, which becomes 0, by 10000; what is left over. */
static inline uint32_t lowest_digit(uint32_t number[4])
{
    uint64_t rest = 0;
    for (int at = 3; at >= 0; at--) {
        rest = rest << 32 | number[at];
        number[at] = (uint32_t)(rest / NBASE);
        rest %= NBASE;
    }
    return (uint32_t)rest;
}

/* numeric_send of numeric.c: how many digits of base 10000, the power of the first, the sign, the scale, the digits. */
static unsigned char *numeric(unsigned char *out, const unsigned char *value, int scale)
{
    uint64_t low, high;
    memcpy(&low, value, 8);
    memcpy(&high, value + 8, 8);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    uint64_t other = low;
    low = high, high = other;
#endif
    int is_negative = high >> 63 != 0;
    if (is_negative) {
        low = ~low + 1;
        high = ~high + (low == 0);
    }
    uint16_t digits[MOST_DIGITS];
    int count = 0, fractions = (scale + 3) / 4, before = fractions * 4 - scale;
    static const uint32_t powers[] = {1, 10, 100, 1000};
    if (high == 0 && low <= UINT64_MAX / 1000) {
        low *= powers[before];
        for (; low; low /= NBASE)
            digits[count++] = (uint16_t)(low % NBASE);
    } else {
        uint32_t number[4] = {(uint32_t)low, (uint32_t)(low >> 32), (uint32_t)high, (uint32_t)(high >> 32)};
        /* The lowest digit of base 10000 has fewer of the number's where its scale is no multiple of 4. */
        if (before) {
            uint32_t part = 0, power = powers[4 - before];
            uint64_t rest = 0;
            for (int at = 3; at >= 0; at--) {
                rest = rest << 32 | number[at];
                number[at] = (uint32_t)(rest / power);
                rest %= power;
            }
            part = (uint32_t)rest * powers[before];
            digits[count++] = (uint16_t)part;
        }
        while (number[0] | number[1] | number[2] | number[3])
            digits[count++] = (uint16_t)lowest_digit(number);
    }
    int last = 0;
    while (last < count && digits[last] == 0)
        last++;
    int weight = count ? count - 1 - fractions : 0, shown = count - last;
    out = put_4(out, (uint32_t)(8 + 2 * shown));
    out = put_2(out, (uint16_t)shown);
    out = put_2(out, (uint16_t)(shown ? weight : 0));
    out = put_2(out, is_negative ? 0x4000 : 0);
    out = put_2(out, (uint16_t)scale);
    for (int at = count - 1; at >= last; at--)
        out = put_2(out, digits[at]);
    return out;
}

static inline unsigned char *put(unsigned char *out, const struct column *c, Py_ssize_t row)
{
    const unsigned char *values = c->values.buf;
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    int32_t bounds[2];
    row += c->offset;
    if (c->validity.obj != NULL && !(((const unsigned char *)c->validity.buf)[row >> 3] >> (row & 7) & 1))
        return put_4(out, UINT32_MAX);
    switch (c->form->kind) {
    case BITS:
        out = put_4(out, 1);
        *out = values[row >> 3] >> (row & 7) & 1;
        return out + 1;
    case FIXED_2:
        memcpy(&two, values + row * 2, 2);
        return put_2(put_4(out, 2), two);
    case FIXED_4:
        memcpy(&four, values + row * 4, 4);
        return put_4(put_4(out, 4), four);
    case FIXED_8:
    case TIME:
        memcpy(&eight, values + row * 8, 8);
        return put_8(put_4(out, 8), eight);
    case DAYS:
        memcpy(&four, values + row * 4, 4);
        return put_4(put_4(out, 4), four - DAYS_TO_2000);
    case MOMENTS:
        memcpy(&eight, values + row * 8, 8);
        return put_8(put_4(out, 8), eight - (uint64_t)MICROSECONDS_TO_2000);
    case CONTENT:
        memcpy(bounds, values + row * 4, 8);
        out = put_4(out, (uint32_t)(bounds[1] - bounds[0]));
        memcpy(out, (const unsigned char *)c->content.buf + bounds[0], (size_t)(bounds[1] - bounds[0]));
        return out + (bounds[1] - bounds[0]);
    case NUMERIC:
        return numeric(out, values + row * 16, c->scale);
    }
    return out;
}

/* Takes a column, and tells how many bytes its values take at most; -1: its buffers are too short, or no such form. */
static Py_ssize_t started(PyObject *given, Py_ssize_t count, struct column *c)
{
    const char *name;
    if (!PyArg_ParseTuple(given, "sz*y*z*ni", &name, &c->validity, &c->values, &c->content, &c->offset, &c->scale)) {
        PyErr_Clear();
        c->validity.obj = c->values.obj = c->content.obj = NULL;
        return -1;
    }
    for (size_t one = 0; one < sizeof FORMS / sizeof *FORMS; one++)
        if (!strcmp(FORMS[one].name, name))
            c->form = &FORMS[one];
    if (c->form == NULL || c->offset < 0 || c->scale < 0 || c->scale > 38)
        return -1;
    if (c->form->kind == CONTENT && count == 0)
        return 0; /* no value, and perhaps no offset */
    Py_ssize_t held = c->form->kind == BITS ? c->values.len * 8 : c->values.len / c->form->held - (c->form->kind == CONTENT);
    if (held - c->offset < count || (c->validity.obj && c->validity.len * 8 - c->offset < count))
        return -1;
    if (c->form->kind != CONTENT)
        return count * (4 + c->form->most);
    const int32_t *bounds = (const int32_t *)c->values.buf + c->offset;
    for (Py_ssize_t row = 0; row < count; row++)
        if (bounds[row + 1] < bounds[row])
            return -1;
    if (bounds[0] < 0 || bounds[count] > (c->content.obj ? c->content.len : 0))
        return -1;
    return count * 4 + bounds[count] - bounds[0];
}

PyDoc_STRVAR(rows_doc,
             "rows(count, columns) -> (bytes, how many of them are used) of so many rows, without the header of the whole and its\n"
             "end.\n\n"
             "columns: tuples of a form, validity or None, values, content or None, offset, and the scale of a numeric. They\n"
             "are Arrow's buffers of: bool, int2, int4, int8, float4, float8, date (days from 1970), time (microseconds),\n"
             "timestamp (microseconds from 1970), bytes (offsets of 4 bytes into the content; text too), numeric (of 16 bytes).");

static PyObject *rows(PyObject *self, PyObject *args)
{
    Py_ssize_t count;
    PyObject *given;
    if (!PyArg_ParseTuple(args, "nO!", &count, &PyTuple_Type, &given))
        return NULL;
    Py_ssize_t width = PyTuple_Size(given), begun = 0, most = count > 0 ? count * 2 : 0;
    struct column *all = PyMem_Calloc((size_t)width + 1, sizeof *all);
    if (all == NULL)
        return PyErr_NoMemory();
    int is_wrong = count < 0 || width > INT16_MAX;
    while (!is_wrong && begun < width) {
        Py_ssize_t size = started(PyTuple_GetItem(given, begun), count, &all[begun]);
        is_wrong = size < 0;
        most += size;
        begun++;
    }
    PyObject *made = NULL;
    Py_ssize_t used = 0;
    if (is_wrong)
        PyErr_SetString(PyExc_ValueError, "a column has no such form, or its buffers are too short");
    else if ((made = PyBytes_FromStringAndSize(NULL, most)) != NULL) {
        unsigned char *begin = (unsigned char *)PyBytes_AsString(made), *out = begin;
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t row = 0; row < count; row++) {
            out = put_2(out, (uint16_t)width);
            for (Py_ssize_t at = 0; at < width; at++)
                out = put(out, &all[at], row);
        }
        Py_END_ALLOW_THREADS
        used = out - begin;
    }
    while (begun--) {
        Py_buffer *buffers[] = {&all[begun].validity, &all[begun].values, &all[begun].content};
        for (int at = 0; at < 3; at++)
            if (buffers[at]->obj != NULL)
                PyBuffer_Release(buffers[at]);
    }
    PyMem_Free(all);
    return made == NULL ? NULL : Py_BuildValue("(Nn)", made, used);
}


/* Arrow's buffers of a column that comes. */
struct made {
    const struct form *form;
    int precision, scale;
    uint32_t limit[4]; /* of a numeric: the least number of more digits than it has */
    Py_ssize_t nulls, total;
    PyObject *objects[3]; /* validity, values, content */
    unsigned char *validity, *values, *content;
};

static inline uint16_t get_2(const unsigned char *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get_4(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t get_8(const unsigned char *p)
{
    return (uint64_t)get_4(p) << 32 | get_4(p + 4);
}

static const char NOT_HELD[] = "a value does not fit the type";
static const char NO_ROWS[] = "these are no rows of such columns";

/* The number times `by` and `more`; whether it has still 127 bits. */
static int grown(uint32_t number[4], uint32_t by, uint32_t more)
{
    uint64_t carry = more;
    for (int at = 0; at < 4; at++) {
        carry += (uint64_t)number[at] * by;
        number[at] = (uint32_t)carry;
        carry >>= 32;
    }
    return carry == 0 && number[3] >> 31 == 0;
}

/* numeric_recv of numeric.c, the other way: the digits of base 10000 as a whole number of units of 10^-scale. */
static const char *unscaled(const unsigned char *p, Py_ssize_t size, const struct made *c, unsigned char *out)
{
    if (size < 8)
        return NO_ROWS;
    int digits = get_2(p), weight = (int16_t)get_2(p + 2), sign = get_2(p + 4);
    if (size != 8 + 2 * digits)
        return NO_ROWS;
    if (sign != 0 && sign != 0x4000) /* not a number, or infinite */
        return NOT_HELD;
    static const uint32_t powers[] = {1, 10, 100, 1000, NBASE};
    uint32_t number[4] = {0, 0, 0, 0};
    int power = 4 * weight + c->scale; /* of ten, by which the first digit counts */
    uint64_t small = 0;
    int is_small = digits <= 4;
    p += 8;
    for (int at = 0; at < digits; at++, power -= 4) {
        uint32_t digit = get_2(p + 2 * at);
        int cut = power >= 0 ? 0 : power > -4 ? -power : 4;
        if (digit >= NBASE)
            return NO_ROWS;
        if (digit % powers[cut])
            return NOT_HELD;
        if (is_small)
            small = small * powers[4 - cut] + digit / powers[cut];
        else if (!grown(number, powers[4 - cut], digit / powers[cut]))
            return NOT_HELD;
    }
    if (is_small) {
        number[0] = (uint32_t)small;
        number[1] = (uint32_t)(small >> 32);
    }
    for (power += 4; digits && power > 0; power--)
        if (!grown(number, 10, 0))
            return NOT_HELD;
    int at = 3;
    while (at > 0 && number[at] == c->limit[at])
        at--;
    if (number[at] >= c->limit[at])
        return NOT_HELD;
    uint64_t low = (uint64_t)number[1] << 32 | number[0], high = (uint64_t)number[3] << 32 | number[2];
    if (sign) {
        low = ~low + 1;
        high = ~high + (low == 0);
    }
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    uint64_t other = low;
    low = high, high = other;
#endif
    memcpy(out, &low, 8);
    memcpy(out + 8, &high, 8);
    return NULL;
}

#define MICROSECONDS_OF_A_DAY INT64_C(86400000000)

/* Keeps one value; what is wrong with it. */
static const char *keep(struct made *c, Py_ssize_t row, const unsigned char *p, Py_ssize_t size)
{
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    int32_t offset;
    if (c->form->kind != CONTENT && c->form->kind != NUMERIC && size != c->form->most)
        return NO_ROWS;
    switch (c->form->kind) {
    case BITS:
        if (*p)
            c->values[row >> 3] |= (unsigned char)(1 << (row & 7));
        break;
    case FIXED_2:
        two = get_2(p);
        memcpy(c->values + row * 2, &two, 2);
        break;
    case FIXED_4:
        four = get_4(p);
        memcpy(c->values + row * 4, &four, 4);
        break;
    case FIXED_8:
        eight = get_8(p);
        memcpy(c->values + row * 8, &eight, 8);
        break;
    case TIME:
        eight = get_8(p);
        if (eight >= (uint64_t)MICROSECONDS_OF_A_DAY)
            return NOT_HELD;
        memcpy(c->values + row * 8, &eight, 8);
        break;
    case DAYS:
        four = get_4(p);
        if (four == (uint32_t)INT32_MAX || four == (uint32_t)INT32_MIN) /* infinite */
            return NOT_HELD;
        four += DAYS_TO_2000;
        memcpy(c->values + row * 4, &four, 4);
        break;
    case MOMENTS:
        eight = get_8(p);
        if (eight == (uint64_t)INT64_MIN || (int64_t)eight > INT64_MAX - MICROSECONDS_TO_2000)
            return NOT_HELD;
        eight += (uint64_t)MICROSECONDS_TO_2000;
        memcpy(c->values + row * 8, &eight, 8);
        break;
    case CONTENT:
        memcpy(&offset, c->values + row * 4, 4);
        memcpy(c->content + offset, p, (size_t)size);
        break;
    case NUMERIC:
        return unscaled(p, size, c, c->values + row * 16);
    }
    return NULL;
}

/* Walks over the rows, only to count or to keep them. How many there are; -1 where they are none, or a value is not held:
   `where` is its column then. */
static Py_ssize_t walked(const unsigned char *p, Py_ssize_t size, struct made *all, Py_ssize_t width, int is_keeping,
                         const char **why, Py_ssize_t *where)
{
    const unsigned char *end = p + size;
    Py_ssize_t rows = 0;
    for (; p < end; rows++) {
        if (end - p == 2 && get_2(p) == UINT16_MAX) { /* the end of the whole */
            p = end;
            break;
        }
        if (end - p < 2 || get_2(p) != width)
            break;
        p += 2;
        for (struct made *c = all; c < all + width; c++) {
            if (end - p < 4)
                goto none;
            int32_t length = (int32_t)get_4(p);
            p += 4;
            if (length < -1 || length > end - p)
                goto none;
            if (!is_keeping) {
                c->nulls += length < 0;
                c->total += length < 0 ? 0 : length;
                p += length < 0 ? 0 : length;
                continue;
            }
            if (c->form->kind == CONTENT) {
                int32_t next = (int32_t)(c->total += length < 0 ? 0 : length);
                memcpy(c->values + (rows + 1) * 4, &next, 4);
            }
            if (length < 0)
                continue;
            c->validity[rows >> 3] |= (unsigned char)(1 << (rows & 7));
            if ((*why = keep(c, rows, p, length)) != NULL) {
                *where = c - all;
                return -1;
            }
            p += length;
        }
    }
    if (p == end)
        return rows;
none:
    *why = NO_ROWS;
    return -1;
}

PyDoc_STRVAR(columns_doc,
             "columns(data, forms) -> (rows, a list with (nulls, validity, values, content or None) of each column).\n\n"
             "data: whole rows, without the header; the end of the whole may follow. forms: tuples of a form as of `rows`, and the precision and\n"
             "scale of a numeric. What comes are Arrow's buffers. ValueError has what is wrong, and the column of a value that\n"
             "is none of its form, or -1.");

static PyObject *columns(PyObject *self, PyObject *args)
{
    Py_buffer data;
    PyObject *forms;
    if (!PyArg_ParseTuple(args, "y*O!", &data, &PyTuple_Type, &forms))
        return NULL;
    Py_ssize_t width = PyTuple_Size(forms), rows = -1, where = -1;
    struct made *all = PyMem_Calloc((size_t)width + 1, sizeof *all);
    const char *why = all == NULL ? "there is no memory for so many" : NULL;
    for (Py_ssize_t at = 0; why == NULL && at < width; at++) {
        const char *name;
        if (!PyArg_ParseTuple(PyTuple_GetItem(forms, at), "sii", &name, &all[at].precision, &all[at].scale)) {
            PyErr_Clear();
            why = "a form must be told by name, precision and scale";
            break;
        }
        for (size_t one = 0; one < sizeof FORMS / sizeof *FORMS; one++)
            if (!strcmp(FORMS[one].name, name))
                all[at].form = &FORMS[one];
        if (all[at].form == NULL || all[at].precision < 0 || all[at].precision > 38 || all[at].scale < 0 || all[at].scale > 38)
            why = "there is no such form";
        all[at].limit[0] = 1;
        for (int digit = 0; why == NULL && digit < all[at].precision; digit++)
            grown(all[at].limit, 10, 0);
    }
    if (why == NULL && data.len > INT32_MAX)
        why = "these are too many rows at a time";
    if (why == NULL) {
        Py_BEGIN_ALLOW_THREADS
        rows = walked(data.buf, data.len, all, width, 0, &why, &where);
        Py_END_ALLOW_THREADS
    }
    int is_lacking = 0;
    for (struct made *c = all; why == NULL && c < all + width; c++) {
        Py_ssize_t values = c->form->kind == CONTENT ? 4 * (rows + 1) : c->form->kind == BITS ? (rows + 7) / 8 : rows * c->form->held;
        Py_ssize_t sizes[] = {(rows + 7) / 8, values, c->form->kind == CONTENT ? c->total : -1};
        unsigned char **into[] = {&c->validity, &c->values, &c->content};
        for (int at = 0; at < 3 && !is_lacking; at++) {
            if (sizes[at] < 0)
                continue;
            c->objects[at] = PyBytes_FromStringAndSize(NULL, sizes[at]);
            is_lacking = c->objects[at] == NULL;
            if (is_lacking)
                break;
            *into[at] = (unsigned char *)PyBytes_AsString(c->objects[at]);
            if (at < 2)
                memset(*into[at], 0, (size_t)sizes[at]);
        }
        c->total = 0;
    }
    if (why == NULL && !is_lacking) {
        Py_BEGIN_ALLOW_THREADS
        walked(data.buf, data.len, all, width, 1, &why, &where);
        Py_END_ALLOW_THREADS
    }
    PyObject *found = why == NULL && !is_lacking ? PyList_New(width) : NULL;
    for (Py_ssize_t at = 0; found != NULL && at < width; at++) {
        struct made *c = &all[at];
        PyObject *told = Py_BuildValue("(nOOO)", c->nulls, c->objects[0], c->objects[1], c->objects[2] ? c->objects[2] : Py_None);
        if (told == NULL)
            Py_CLEAR(found);
        else
            PyList_SetItem(found, at, told);
    }
    for (struct made *c = all; all != NULL && c < all + width; c++)
        for (int at = 0; at < 3; at++)
            Py_XDECREF(c->objects[at]);
    PyMem_Free(all);
    PyBuffer_Release(&data);
    if (why != NULL) {
        PyObject *told = Py_BuildValue("(sn)", why, where);
        if (told != NULL)
            PyErr_SetObject(PyExc_ValueError, told);
        Py_XDECREF(told);
    }
    return found == NULL ? NULL : Py_BuildValue("(nN)", rows, found);
}

PyDoc_STRVAR(received_doc,
             "received(get, free, consume, connection, most) -> (bytes, outcome) of what came of a COPY that is under way.\n\n"
             "The addresses of libpq's PQgetCopyData, PQfreemem and PQconsumeInput, and of a connection; the outcome is\n"
             "PQgetCopyData's: above 0 where most bytes or more are together, 0 where more must come first, -1 at the end, -2\n"
             "where it failed\n"
             "(https://www.postgresql.org/docs/current/libpq-copy.html).");

static PyObject *received(PyObject *self, PyObject *args)
{
    unsigned long long get_at, release_at, consume_at, connection_at;
    Py_ssize_t most;
    if (!PyArg_ParseTuple(args, "KKKKn", &get_at, &release_at, &consume_at, &connection_at, &most))
        return NULL;
    int (*get)(void *, char **, int) = (int (*)(void *, char **, int))(uintptr_t)get_at;
    void (*release)(void *) = (void (*)(void *))(uintptr_t)release_at;
    int (*consume)(void *) = (int (*)(void *))(uintptr_t)consume_at;
    void *connection = (void *)(uintptr_t)connection_at;
    char *held = NULL;
    Py_ssize_t size = 0, room = 0;
    int outcome = 1, is_lacking = 0;
    Py_BEGIN_ALLOW_THREADS
    while (size < most) {
        char *row = NULL;
        outcome = get(connection, &row, 1);
        if (outcome == 0)
            outcome = consume(connection) ? get(connection, &row, 1) : -2;
        if (outcome <= 0)
            break;
        if (size + outcome > room) {
            room = 2 * room > size + outcome ? 2 * room : size + outcome + (1 << 16);
            char *larger = realloc(held, (size_t)room);
            if (larger == NULL) {
                is_lacking = 1;
                release(row);
                break;
            }
            held = larger;
        }
        memcpy(held + size, row, (size_t)outcome);
        size += outcome;
        release(row);
    }
    Py_END_ALLOW_THREADS
    PyObject *made = is_lacking ? PyErr_NoMemory() : PyBytes_FromStringAndSize(held, size);
    free(held);
    return made == NULL ? NULL : Py_BuildValue("(Ni)", made, outcome);
}

static PyMethodDef methods[] = {
    {"rows", rows, METH_VARARGS, rows_doc},
    {"columns", columns, METH_VARARGS, columns_doc},
    {"received", received, METH_VARARGS, received_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "compiled", "Rows in the binary form of PostgreSQL's COPY.", 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_compiled(void)
{
    return PyModuleDef_Init(&module);
}
