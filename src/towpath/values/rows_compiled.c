/* Rows of Python's values, as the cursors of databases give them, written into the buffers of Arrow arrays. Each row is
   let go before the next is asked for, so that its memory serves that one. A column takes values of its one kind; from the
   first that is not plainly of it, they are kept as they are, for Python to tell what they mean.

   The same of SQLite's own rows, without the interpreter's lock and without a Python value for each. */

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
    PyObject *held, *statement;
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

/* Writes text or bytes behind the others. 0 where offsets of 32 bits do not reach, -1 where there is no memory. */
static int append(struct column *c, const char *from, Py_ssize_t size)
{
    if (size > INT32_MAX - c->used)
        return 0;
    if (size > c->room - c->used) {
        Py_ssize_t room = 2 * c->room > c->used + size ? 2 * c->room : c->used + size;
        unsigned char *content = realloc(c->content, (size_t)room);
        if (content == NULL)
            return -1;
        c->content = content;
        c->room = room;
    }
    if (size) /* where it is 0, there may be nothing to copy from */
        memcpy(c->content + c->used, from, (size_t)size);
    c->used += size;
    return 1;
}

/* The value was written, or is null. */
static inline void count_in(struct column *c, int is_null)
{
    if (is_null)
        c->nulls++;
    else
        c->validity[c->taken >> 3] |= (unsigned char)(1 << (c->taken & 7));
    c->taken++;
    if (is_varied(c)) {
        int32_t end = (int32_t)c->used;
        memcpy(c->values + 4 * c->taken, &end, 4);
    }
}

static inline int put_integer(struct column *c, int64_t integer)
{
    double number = (double)integer;
    switch (c->kind) {
    case INTEGER:
        memcpy(c->values + 8 * c->taken, &integer, 8);
        return 1;
    case NUMBER:
        if (integer < -EXACT || integer > EXACT)
            return 0;
        memcpy(c->values + 8 * c->taken, &number, 8);
        return 1;
    case TRUTH:
        if (integer < 0 || integer > 1)
            return 0;
        c->values[c->taken >> 3] |= (unsigned char)(integer << (c->taken & 7));
        return 1;
    default:
        return 0;
    }
}

static inline int put_double(struct column *c, double number)
{
    if (c->kind != FLOATING && c->kind != NUMBER)
        return 0;
    memcpy(c->values + 8 * c->taken, &number, 8);
    return 1;
}

static int integer_of(PyObject *value, int64_t *found)
{
    int is_beyond = 0;
    *found = PyLong_AsLongLongAndOverflow(value, &is_beyond);
    return !is_beyond;
}

/* Writes a value that is not null. 1 if it is taken, 0 if it is not of the column's kind, -1 with an error, which is that
   there is no memory where none is set. */
static inline int put(struct column *c, PyObject *value)
{
    int64_t integer;
    const char *from;
    char *binary;
    Py_ssize_t size;
    if (PyFloat_CheckExact(value))
        return put_double(c, PyFloat_AsDouble(value));
    if (PyLong_CheckExact(value))
        return integer_of(value, &integer) && put_integer(c, integer);
    if (c->kind == TEXT && PyUnicode_CheckExact(value)) {
        from = PyUnicode_AsUTF8AndSize(value, &size);
        if (from != NULL)
            return append(c, from, size);
        if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
            return -1;
        PyErr_Clear(); /* a lone surrogate */
    }
    if (c->kind == BINARY && PyBytes_CheckExact(value))
        return PyBytes_AsStringAndSize(value, &binary, &size) < 0 ? -1 : append(c, binary, size);
    return 0;
}

static int keep(struct column *c, PyObject *value)
{
    if (c->rest == NULL)
        c->rest = PyList_New(0);
    return c->rest == NULL ? -1 : PyList_Append(c->rest, value);
}

/* -1 as of `put`. */
static inline int take(struct column *c, PyObject *value)
{
    if (c->rest != NULL)
        return keep(c, value);
    int outcome = value == Py_None ? 1 : put(c, value);
    if (outcome == 0)
        return keep(c, value);
    if (outcome == 1)
        count_in(c, value == Py_None);
    return outcome < 0 ? -1 : 0;
}

/* How many rows came, or -1 with an error. */
typedef Py_ssize_t (*source)(PyObject *rows, Py_ssize_t most, struct column *all, Py_ssize_t width);

static Py_ssize_t from_rows(PyObject *rows, Py_ssize_t most, struct column *all, Py_ssize_t width)
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
        if (!is_taken) {
            if (!PyErr_Occurred())
                PyErr_NoMemory();
            return -1;
        }
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

/* The columns of as many rows. */
static PyObject *filled(PyObject *self, PyObject *kinds, Py_ssize_t most, source from, PyObject *rows)
{
    PyTypeObject *type = (PyTypeObject *)((struct state *)PyModule_GetState(self))->held;
    PyObject *found = NULL;
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
            count = from(rows, most, all, width);
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

PyDoc_STRVAR(read_doc,
             "read(rows, most, kinds) -> (rows that came, a list with (taken, nulls, validity, values, content, rest) of each "
             "column).\n\n"
             "rows: an iterator of tuples, of which no more than most are asked for. kinds: int64, double, number (a double, or\n"
             "an integer of at most 2**53), string, binary, bool (0 or 1). The buffers are Arrow's, for the values taken; rest has\n"
             "those from the first that was not, or is None. ValueError for rows that are no tuples of this length.");

static PyObject *read_rows(PyObject *self, PyObject *args)
{
    PyObject *rows, *kinds;
    Py_ssize_t most;
    if (!PyArg_ParseTuple(args, "OnO!", &rows, &most, &PyTuple_Type, &kinds))
        return NULL;
    if (!PyIter_Check(rows)) {
        PyErr_SetString(PyExc_TypeError, "rows must be an iterator");
        return NULL;
    }
    return filled(self, kinds, most, from_rows, rows);
}

/* Rows of SQLite (https://www.sqlite.org/c3ref/funclist.html), by the functions of the library that Python has loaded. */

enum { SQLITE_ROW = 100, SQLITE_DONE = 101, SQLITE_INTEGER = 1, SQLITE_FLOAT, SQLITE_TEXT, SQLITE_BLOB };

struct calls {
    int (*prepare)(void *database, const char *sql, int size, void **statement, const char **tail);
    int (*finalize)(void *statement);
    int (*step)(void *statement);
    int (*column_count)(void *statement);
    void *(*column_value)(void *statement, int column);
    int (*type)(void *value);
    int64_t (*integer)(void *value);
    double (*number)(void *value);
    const char *(*text)(void *value);
    const char *(*blob)(void *value);
    int (*size)(void *value);
    const char *(*message)(void *database);
};

enum { CALLS = sizeof(struct calls) / sizeof(void *) };

struct statement {
    PyObject_HEAD
    struct calls call;
    void *database, *at; /* NULL when it is closed */
    int is_over;
};

static void statement_close(struct statement *s)
{
    if (s->at != NULL)
        s->call.finalize(s->at);
    s->at = NULL;
}

static void statement_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    statement_close((struct statement *)self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyType_Slot statement_slots[] = {
    {Py_tp_doc, "A query that is under way. It must not outlive its connection."},
    {Py_tp_dealloc, statement_dealloc},
    {0, NULL},
};

static PyType_Spec statement_spec = {
    "towpath.values.rows_compiled.Statement", sizeof(struct statement), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, statement_slots,
};

/* Whether it is UTF-8 as https://www.unicode.org/versions/latest/core-spec/chapter-3/ has it (table 3-7). */
static int is_utf8(const char *text, Py_ssize_t size)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + size;
    while (p < end) {
        uint64_t eight;
        if (end - p >= 8 && (memcpy(&eight, p, 8), !(eight & UINT64_C(0x8080808080808080)))) {
            p += 8;
            continue;
        }
        unsigned char first = *p++, low = 0x80, high = 0xBF;
        if (first < 0x80)
            continue;
        int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
        if (first < 0xC2 || first > 0xF4 || end - p < more)
            return 0;
        if (first == 0xE0)
            low = 0xA0;
        else if (first == 0xED)
            high = 0x9F;
        else if (first == 0xF0)
            low = 0x90;
        else if (first == 0xF4)
            high = 0x8F;
        for (; more; more--, low = 0x80, high = 0xBF) {
            if (*p < low || *p > high)
                return 0;
            p++;
        }
    }
    return 1;
}

/* As `put`, without the interpreter's lock. */
static inline int put_value(const struct calls *call, struct column *c, int type, void *value)
{
    const char *text;
    switch (type) {
    case SQLITE_INTEGER:
        return put_integer(c, call->integer(value));
    case SQLITE_FLOAT:
        return put_double(c, call->number(value));
    case SQLITE_TEXT:
        text = c->kind == TEXT ? call->text(value) : NULL; /* before its size, which it may change */
        return text != NULL && is_utf8(text, call->size(value)) ? append(c, text, call->size(value)) : 0;
    default:
        if (c->kind != BINARY)
            return 0;
        text = call->blob(value);
        return append(c, text, call->size(value));
    }
}

static PyObject *object_of(const struct calls *call, int type, void *value)
{
    const char *text;
    switch (type) {
    case SQLITE_INTEGER:
        return PyLong_FromLongLong(call->integer(value));
    case SQLITE_FLOAT:
        return PyFloat_FromDouble(call->number(value));
    case SQLITE_TEXT:
        text = call->text(value);
        return text == NULL ? PyErr_NoMemory() : PyUnicode_DecodeUTF8(text, call->size(value), NULL);
    case SQLITE_BLOB:
        text = call->blob(value);
        return PyBytes_FromStringAndSize(text, call->size(value));
    default:
        return Py_NewRef(Py_None);
    }
}

/* The error with a number, and what is wrong: SQLite's of that number with its words, or from 0 down text of that column
   that is no UTF-8. */
static void set_error(int number, PyObject *what)
{
    PyObject *told = what == NULL ? NULL : Py_BuildValue("(iO)", number, what);
    if (told != NULL)
        PyErr_SetObject(PyExc_ValueError, told);
    Py_XDECREF(told);
    Py_XDECREF(what);
}

static void set_sqlite_error(struct statement *s, int number)
{
    const char *words = s->call.message(s->database);
    set_error(number, PyUnicode_DecodeUTF8(words, (Py_ssize_t)strlen(words), "replace"));
}

/* Keeps the value of a column for Python. -1 with an error. */
static int keep_value(const struct calls *call, struct column *c, int at, int type, void *value)
{
    PyObject *made = object_of(call, type, value);
    if (made == NULL) {
        if (PyErr_ExceptionMatches(PyExc_UnicodeDecodeError))
            set_error(-at, PyBytes_FromStringAndSize(call->text(value), call->size(value)));
        return -1;
    }
    int outcome = keep(c, made);
    Py_DECREF(made);
    return outcome;
}

static Py_ssize_t from_statement(PyObject *rows, Py_ssize_t most, struct column *all, Py_ssize_t width)
{
    struct statement *s = (struct statement *)rows;
    const struct calls *call = &s->call;
    if (s->at == NULL || call->column_count(s->at) != width) {
        PyErr_SetString(PyExc_ValueError, s->at == NULL ? "it is closed" : "there must be a kind for each column");
        return -1;
    }
    Py_ssize_t count = 0;
    int outcome = SQLITE_ROW, has_failed = 0;
    PyThreadState *python = PyEval_SaveThread();
    while (count < most && !s->is_over && !has_failed) {
        outcome = call->step(s->at);
        s->is_over = outcome != SQLITE_ROW; /* another step would begin anew */
        if (s->is_over)
            break;
        count++;
        for (int at = 0; at < width && !has_failed; at++) {
            struct column *c = &all[at];
            void *value = call->column_value(s->at, at);
            int type = call->type(value), is_null = type > SQLITE_BLOB;
            int is_taken = c->rest != NULL ? 0 : is_null ? 1 : put_value(call, c, type, value);
            if (is_taken > 0) {
                count_in(c, is_null);
                continue;
            }
            PyEval_RestoreThread(python);
            if (is_taken < 0)
                PyErr_NoMemory();
            has_failed = is_taken < 0 || keep_value(call, c, at, type, value) < 0;
            python = PyEval_SaveThread();
        }
    }
    PyEval_RestoreThread(python);
    if (has_failed) {
        s->is_over = 1;
        return -1;
    }
    if (outcome != SQLITE_ROW && outcome != SQLITE_DONE) {
        set_sqlite_error(s, outcome);
        return -1;
    }
    return count;
}

PyDoc_STRVAR(prepare_doc,
             "prepare(calls, database, sql) -> the Statement of a query.\n\n"
             "calls: the addresses of sqlite3_prepare_v2, _finalize, _step, _column_count, _column_value, _value_type,\n"
             "_value_int64, _value_double, _value_text, _value_blob, _value_bytes and _errmsg; database: that of a sqlite3 with\n"
             "extended result codes. ValueError has the number of SQLite's error and its words.");

static PyObject *prepare_statement(PyObject *self, PyObject *args)
{
    PyObject *calls;
    unsigned long long database;
    const char *sql;
    uintptr_t addresses[CALLS];
    if (!PyArg_ParseTuple(args, "O!Ks", &PyTuple_Type, &calls, &database, &sql))
        return NULL;
    for (Py_ssize_t at = 0; at < CALLS; at++) {
        PyObject *one = at < PyTuple_Size(calls) ? PyTuple_GetItem(calls, at) : NULL;
        addresses[at] = one == NULL ? 0 : (uintptr_t)PyLong_AsUnsignedLongLong(one);
        if (PyErr_Occurred())
            return NULL;
        if (addresses[at] == 0 || database == 0) {
            PyErr_SetString(PyExc_TypeError, "an address is missing");
            return NULL;
        }
    }
    PyTypeObject *type = (PyTypeObject *)((struct state *)PyModule_GetState(self))->statement;
    struct statement *s = (struct statement *)PyType_GenericAlloc(type, 0);
    if (s == NULL)
        return NULL;
    memcpy(&s->call, addresses, sizeof s->call);
    s->database = (void *)(uintptr_t)database;
    int outcome;
    Py_BEGIN_ALLOW_THREADS
    outcome = s->call.prepare(s->database, sql, -1, &s->at, NULL);
    Py_END_ALLOW_THREADS
    if (outcome) {
        set_sqlite_error(s, outcome);
        Py_CLEAR(s);
    }
    return (PyObject *)s;
}

PyDoc_STRVAR(read_statement_doc,
             "read_statement(statement, most, kinds) -> as of read, of the next rows of a Statement, of which there are none after\n"
             "an error. ValueError is as of prepare, or has the number of a column from 0 down, and bytes there that are no text.");

static PyObject *read_statement(PyObject *self, PyObject *args)
{
    PyObject *statement, *kinds;
    Py_ssize_t most;
    PyTypeObject *type = (PyTypeObject *)((struct state *)PyModule_GetState(self))->statement;
    if (!PyArg_ParseTuple(args, "O!nO!", type, &statement, &most, &PyTuple_Type, &kinds))
        return NULL;
    return filled(self, kinds, most, from_statement, statement);
}

PyDoc_STRVAR(close_statement_doc, "close_statement(statement): it has no more rows, and its query is over.");

static PyObject *close_statement(PyObject *self, PyObject *statement)
{
    if (Py_TYPE(statement) != (PyTypeObject *)((struct state *)PyModule_GetState(self))->statement) {
        PyErr_SetString(PyExc_TypeError, "it must be a Statement");
        return NULL;
    }
    statement_close((struct statement *)statement);
    return Py_NewRef(Py_None);
}

#ifdef _MSC_VER
#define _Thread_local __declspec(thread)
#endif

/* The last database that this thread opened. */
static _Thread_local void *opened;

static int note_opened(void *database, const char **message, const void *api)
{
    opened = database;
    return 0;
}

PyDoc_STRVAR(noting_doc,
             "noting() -> the address of an entry point for sqlite3_auto_extension, which notes the databases that are opened.");

static PyObject *noting(PyObject *self, PyObject *unused)
{
    return PyLong_FromVoidPtr((void *)(uintptr_t)note_opened);
}

PyDoc_STRVAR(noted_doc, "noted(call) -> what the call gives, and the address of the last database that was opened in it, or 0.");

static PyObject *noted(PyObject *self, PyObject *call)
{
    opened = NULL;
    PyObject *made = PyObject_CallNoArgs(call);
    return made == NULL ? NULL : Py_BuildValue("(NK)", made, (unsigned long long)(uintptr_t)opened);
}

static PyMethodDef methods[] = {
    {"read", read_rows, METH_VARARGS, read_doc},
    {"prepare", prepare_statement, METH_VARARGS, prepare_doc},
    {"read_statement", read_statement, METH_VARARGS, read_statement_doc},
    {"close_statement", close_statement, METH_O, close_statement_doc},
    {"noting", noting, METH_NOARGS, noting_doc},
    {"noted", noted, METH_O, noted_doc},
    {NULL, NULL, 0, NULL},
};

static int prepare(PyObject *self)
{
    struct state *state = PyModule_GetState(self);
    state->held = PyType_FromModuleAndSpec(self, &held_spec, NULL);
    if (state->held == NULL || PyModule_AddObjectRef(self, "Held", state->held) < 0)
        return -1;
    state->statement = PyType_FromModuleAndSpec(self, &statement_spec, NULL);
    return state->statement == NULL ? -1 : PyModule_AddObjectRef(self, "Statement", state->statement);
}

static int traverse(PyObject *self, visitproc visit, void *arg)
{
    struct state *state = PyModule_GetState(self);
    if (state != NULL) {
        Py_VISIT(state->held);
        Py_VISIT(state->statement);
    }
    return 0;
}

static int clear(PyObject *self)
{
    struct state *state = PyModule_GetState(self);
    if (state != NULL) {
        Py_CLEAR(state->held);
        Py_CLEAR(state->statement);
    }
    return 0;
}

static void unload(void *self)
{
    clear(self);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, prepare}, {0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "rows_compiled", "Rows as Arrow's buffers.", sizeof(struct state), methods, slots,
    traverse, clear, unload,
};

PyMODINIT_FUNC PyInit_rows_compiled(void)
{
    return PyModuleDef_Init(&module);
}
