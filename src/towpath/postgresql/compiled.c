/* Rows in the binary form of PostgreSQL's COPY (https://www.postgresql.org/docs/current/sql-copy.html, Binary Format), made
   of Arrow's buffers without the interpreter's lock. ValueError for buffers that are too short for what they shall hold. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdint.h>
#include <string.h>

enum kind { BITS, FIXED_2, FIXED_4, FIXED_8, DAYS, MOMENTS, CONTENT, NUMERIC };

/* What the send function of a type writes (src/backend/utils/adt), how large it may be, and what a value takes in Arrow. */
static const struct form {
    const char *name;
    enum kind kind;
    int most, held;
} FORMS[] = {
    {"bool", BITS, 1, 0},     {"int2", FIXED_2, 2, 2},   {"int4", FIXED_4, 4, 4}, {"int8", FIXED_8, 8, 8},
    {"float4", FIXED_4, 4, 4}, {"float8", FIXED_8, 8, 8}, {"date", DAYS, 4, 4},    {"time", FIXED_8, 8, 8},
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
    Py_ssize_t end = c->offset + count;
    if (c->form == NULL || c->offset < 0 || c->scale < 0 || c->scale > 38 || (c->validity.obj && c->validity.len * 8 < end))
        return -1;
    if (c->form->kind == BITS && c->values.len * 8 < end)
        return -1;
    if (c->form->kind != CONTENT)
        return c->values.len / (c->form->held ? c->form->held : 1) < (c->form->held ? end : 0) ? -1 : count * (4 + c->form->most);
    if (c->values.len / 4 < end + 1)
        return count ? -1 : 0;
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

static PyMethodDef methods[] = {
    {"rows", rows, METH_VARARGS, rows_doc},
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
