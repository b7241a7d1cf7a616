/* Rows of Python's values, as the cursors of databases give them, written into the buffers of Arrow arrays. Each row is
   let go before the next is asked for, so that its memory serves that one. A column takes values of its one kind; from the
   first that is not plainly of it, they are kept as they are, for Python to tell what they mean. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Memory that is handed to Python. */

struct held {
    PyObject_HEAD
    unsigned char *at;
    Py_ssize_t size;
};

static void held_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    free(((struct held *)self)->at);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static int held_buffer(PyObject *self, Py_buffer *view, int flags)
{
    struct held *held = (struct held *)self;
    return PyBuffer_FillInfo(view, self, held->at, held->size, 1, flags);
}

static PyType_Slot held_slots[] = {
    {Py_tp_doc, "Bytes that only their owner could change, and it does not."},
    {Py_tp_dealloc, held_dealloc},
    {Py_bf_getbuffer, held_buffer},
    {0, NULL},
};

static PyType_Spec held_spec = {
    "towpath.values.rows_compiled.Held", sizeof(struct held), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    held_slots,
};

struct state {
    PyObject *held;
};

enum kind { INTEGER, FLOATING, NUMBER, TEXT, BINARY, TRUTH };

static const struct name {
    const char *name;
    enum kind kind;
} NAMES[] = {
    {"int64", INTEGER}, {"double", FLOATING}, {"number", NUMBER}, {"string", TEXT}, {"binary", BINARY}, {"bool", TRUTH},
};

/* Up to here every integer is a double. */
#define EXACT (INT64_C(1) << 53)

/* No row takes less memory than this, so that nobody is given room for more than there can be. */
#define MOST_ROWS (PY_SSIZE_T_MAX / 64)

struct column {
    enum kind kind;
    Py_ssize_t taken, nulls; /* values, of which so many are null */
    Py_ssize_t used, room; /* of the content */
    unsigned char *validity, *values, *content; /* the last of text and bytes alone */
    PyObject *rest; /* a list of the values from the first that was not taken; NULL until there is one */
};

static int is_varied(const struct column *c)
{
    return c->kind == TEXT || c->kind == BINARY;
}

/* The bytes of the values, when there are so many. */
static size_t size_of(const struct column *c, Py_ssize_t count)
{
    return is_varied(c) ? 4 * ((size_t)count + 1) : c->kind == TRUTH ? ((size_t)count + 7) / 8 : 8 * (size_t)count;
}

/* Room for so many values, which are null and 0 until they are written. There is always some, so that none is no error. */
static int begin(struct column *c, Py_ssize_t most)
{
    c->validity = calloc(((size_t)most + 7) / 8 + 1, 1);
    c->values = calloc(size_of(c, most) + 1, 1);
    if (is_varied(c)) {
        c->room = 16 * most + 1;
        c->content = malloc((size_t)c->room);
    }
    return c->validity != NULL && c->values != NULL && (c->content != NULL || !is_varied(c));
}

/* Writes text or bytes behind the others. 0 where offsets of 32 bits do not reach, -1 with an error. */
static int append(struct column *c, const char *from, Py_ssize_t size)
{
    if (size > INT32_MAX - c->used)
        return 0;
    if (size > c->room - c->used) {
        Py_ssize_t room = 2 * c->room > c->used + size ? 2 * c->room : c->used + size;
        unsigned char *content = realloc(c->content, (size_t)room);
        if (content == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        c->content = content;
        c->room = room;
    }
    memcpy(c->content + c->used, from, (size_t)size);
    c->used += size;
    return 1;
}

static int integer_of(PyObject *value, int64_t *found)
{
    int is_beyond = 0;
    *found = PyLong_CheckExact(value) ? PyLong_AsLongLongAndOverflow(value, &is_beyond) : 0;
    return PyLong_CheckExact(value) && !is_beyond;
}

/* Writes a value that is not null. 1 if it is taken, 0 if it is not of the column's kind, -1 with an error. */
static inline int put(struct column *c, PyObject *value)
{
    int64_t integer;
    double number;
    const char *from;
    char *binary;
    Py_ssize_t size;
    switch (c->kind) {
    case INTEGER:
        if (!integer_of(value, &integer))
            return 0;
        memcpy(c->values + 8 * c->taken, &integer, 8);
        return 1;
    case FLOATING:
    case NUMBER:
        if (PyFloat_CheckExact(value))
            number = PyFloat_AsDouble(value);
        else if (c->kind == NUMBER && integer_of(value, &integer) && integer >= -EXACT && integer <= EXACT)
            number = (double)integer;
        else
            return 0;
        memcpy(c->values + 8 * c->taken, &number, 8);
        return 1;
    case TEXT:
        if (!PyUnicode_CheckExact(value))
            return 0;
        from = PyUnicode_AsUTF8AndSize(value, &size);
        if (from == NULL) {
            if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
                return -1;
            PyErr_Clear(); /* a lone surrogate */
            return 0;
        }
        return append(c, from, size);
    case BINARY:
        if (!PyBytes_CheckExact(value))
            return 0;
        if (PyBytes_AsStringAndSize(value, &binary, &size) < 0)
            return -1;
        return append(c, binary, size);
    case TRUTH:
        if (!integer_of(value, &integer) || integer < 0 || integer > 1)
            return 0;
        c->values[c->taken >> 3] |= (unsigned char)(integer << (c->taken & 7));
        return 1;
    }
    return 0;
}

/* -1 with an error. */
static inline int take(struct column *c, PyObject *value)
{
    if (c->rest != NULL)
        return PyList_Append(c->rest, value);
    if (value == Py_None) {
        c->nulls++;
    } else {
        int outcome = put(c, value);
        if (outcome < 0)
            return -1;
        if (!outcome) {
            c->rest = PyList_New(0);
            return c->rest == NULL ? -1 : PyList_Append(c->rest, value);
        }
        c->validity[c->taken >> 3] |= (unsigned char)(1 << (c->taken & 7));
    }
    c->taken++;
    if (is_varied(c)) {
        int32_t end = (int32_t)c->used;
        memcpy(c->values + 4 * c->taken, &end, 4);
    }
    return 0;
}

/* How many rows came, or -1 with an error. */
static Py_ssize_t fill(PyObject *rows, Py_ssize_t most, struct column *all, Py_ssize_t width)
{
    for (Py_ssize_t count = 0; count < most; count++) {
        PyObject *row = PyIter_Next(rows);
        if (row == NULL)
            return PyErr_Occurred() ? -1 : count;
        int is_taken = PyTuple_Check(row) && PyTuple_Size(row) == width;
        if (!is_taken)
            PyErr_SetString(PyExc_ValueError, "a row must be a tuple with a value for each kind");
        for (Py_ssize_t at = 0; is_taken && at < width; at++)
            is_taken = take(&all[at], PyTuple_GetItem(row, at)) == 0;
        Py_DECREF(row);
        if (!is_taken)
            return -1;
    }
    return most;
}

/* Hands memory over, as long as what it holds. */
static PyObject *handed(PyTypeObject *type, unsigned char **from, size_t size)
{
    struct held *held = (struct held *)PyType_GenericAlloc(type, 0);
    if (held == NULL)
        return NULL;
    unsigned char *at = realloc(*from, size + 1);
    held->at = at == NULL ? *from : at;
    held->size = (Py_ssize_t)size;
    *from = NULL;
    return (PyObject *)held;
}

static PyObject *told(PyTypeObject *type, struct column *c)
{
    PyObject *validity = handed(type, &c->validity, ((size_t)c->taken + 7) / 8);
    PyObject *values = handed(type, &c->values, size_of(c, c->taken));
    PyObject *content = is_varied(c) ? handed(type, &c->content, (size_t)c->used) : Py_NewRef(Py_None);
    PyObject *rest = Py_NewRef(c->rest == NULL ? Py_None : c->rest), *made = NULL;
    if (validity != NULL && values != NULL && content != NULL)
        made = Py_BuildValue("(nnOOOO)", c->taken, c->nulls, validity, values, content, rest);
    Py_XDECREF(validity);
    Py_XDECREF(values);
    Py_XDECREF(content);
    Py_DECREF(rest);
    return made;
}

static const char *begun(PyObject *kinds, Py_ssize_t most, struct column *all, Py_ssize_t width)
{
    if (most < 0 || most > MOST_ROWS)
        return "there is no room for so many rows";
    for (Py_ssize_t at = 0; at < width; at++) {
        int is_known = 0;
        const char *name = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(kinds, at), NULL);
        for (size_t one = 0; name != NULL && one < sizeof NAMES / sizeof *NAMES; one++)
            if (!strcmp(NAMES[one].name, name)) {
                all[at].kind = NAMES[one].kind;
                is_known = 1;
            }
        if (!is_known)
            return "there is no such kind";
    }
    return NULL;
}

PyDoc_STRVAR(read_doc,
             "read(rows, most, kinds) -> (rows that came, a list with (taken, nulls, validity, values, content, rest) of each "
             "column).\n\n"
             "rows: an iterator of tuples, of which no more than most are asked for. kinds: int64, double, number (a double, or\n"
             "an integer of at most 2**53), string, binary, bool (0 or 1). The buffers are Arrow's, for the values taken; rest has\n"
             "those from the first that was not, or is None. ValueError for rows that are no tuples of this length.");

static PyObject *read_rows(PyObject *self, PyObject *args)
{
    PyTypeObject *type = (PyTypeObject *)((struct state *)PyModule_GetState(self))->held;
    PyObject *rows, *kinds, *found = NULL;
    Py_ssize_t most;
    if (!PyArg_ParseTuple(args, "OnO!", &rows, &most, &PyTuple_Type, &kinds))
        return NULL;
    if (!PyIter_Check(rows)) {
        PyErr_SetString(PyExc_TypeError, "rows must be an iterator");
        return NULL;
    }
    Py_ssize_t width = PyTuple_Size(kinds), count = -1;
    struct column *all = PyMem_Calloc((size_t)width + 1, sizeof *all);
    if (all == NULL)
        return PyErr_NoMemory();
    const char *why = begun(kinds, most, all, width);
    if (why != NULL) {
        PyErr_SetString(PyExc_ValueError, why);
    } else {
        int has_room = 1;
        for (Py_ssize_t at = 0; has_room && at < width; at++)
            has_room = begin(&all[at], most);
        if (has_room)
            count = fill(rows, most, all, width);
        else
            PyErr_NoMemory();
    }
    if (count >= 0)
        found = PyList_New(width);
    for (Py_ssize_t at = 0; found != NULL && at < width; at++) {
        PyObject *one = told(type, &all[at]);
        if (one == NULL)
            Py_CLEAR(found);
        else
            PyList_SetItem(found, at, one);
    }
    for (struct column *c = all; c < all + width; c++) {
        free(c->validity);
        free(c->values);
        free(c->content);
        Py_XDECREF(c->rest);
    }
    PyMem_Free(all);
    return found == NULL ? NULL : Py_BuildValue("(nN)", count, found);
}

static PyMethodDef methods[] = {
    {"read", read_rows, METH_VARARGS, read_doc},
    {NULL, NULL, 0, NULL},
};

static int prepare(PyObject *self)
{
    struct state *state = PyModule_GetState(self);
    state->held = PyType_FromModuleAndSpec(self, &held_spec, NULL);
    return state->held == NULL ? -1 : PyModule_AddObjectRef(self, "Held", state->held);
}

static int traverse(PyObject *self, visitproc visit, void *arg)
{
    struct state *state = PyModule_GetState(self);
    if (state != NULL)
        Py_VISIT(state->held);
    return 0;
}

static int clear(PyObject *self)
{
    struct state *state = PyModule_GetState(self);
    if (state != NULL)
        Py_CLEAR(state->held);
    return 0;
}

static void unload(void *self)
{
    clear(self);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, prepare}, {0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "rows_compiled", "Rows of Python's values as Arrow's buffers.", sizeof(struct state), methods, slots,
    traverse, clear, unload,
};

PyMODINIT_FUNC PyInit_rows_compiled(void)
{
    return PyModuleDef_Init(&module);
}
