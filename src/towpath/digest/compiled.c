/* The inner loops of the content digest (rules: docs/reference/digest.md), for many values at a call and without the
   interpreter's lock. words.py does the same with numpy where this could not be compiled. Arguments are contiguous
   buffers of 8-byte numbers in the machine's order; ValueError for sizes that do not fit together. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdint.h>
#include <string.h>

#define G0 UINT64_C(0x9E3779B97F4A7C15)
#define G1 UINT64_C(0xC2B2AE3D27D4EB4F)
#define L UINT64_C(0xD6E8FEB86659FD93)

static inline uint64_t mixed(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xBF58476D1CE4E5B9);
    x ^= x >> 27;
    x *= UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

/* 8 bytes as a little-endian number; compilers make one load of it. */
static inline uint64_t word(const unsigned char *p)
{
    uint64_t w = 0;
    for (int i = 0; i < 8; i++)
        w |= (uint64_t)p[i] << (8 * i);
    return w;
}

/* The last 1 to 7 bytes of a value: a whole word where that much is there to read, cut to them. */
static inline uint64_t last_word(const unsigned char *p, Py_ssize_t bytes, const unsigned char *end)
{
    if (end - p >= 8)
        return word(p) & ((UINT64_C(1) << (8 * bytes)) - 1);
    unsigned char padded[8] = {0};
    memcpy(padded, p, (size_t)bytes);
    return word(padded);
}

static void release(Py_buffer *buffers, int count)
{
    while (count--)
        PyBuffer_Release(&buffers[count]);
}

static PyObject *done(Py_buffer *buffers, int count, const char *wrong)
{
    release(buffers, count);
    if (wrong) {
        PyErr_SetString(PyExc_ValueError, wrong);
        return NULL;
    }
    Py_RETURN_NONE;
}

static int is_of_numbers(const Py_buffer *buffer, Py_ssize_t count)
{
    return buffer->len == count * 8 && (uintptr_t)buffer->buf % 8 == 0;
}

PyDoc_STRVAR(mix_doc, "mix(x, key, out): out = Mix(x ^ key), value by value; out may be x.");

static PyObject *mix(PyObject *self, PyObject *args)
{
    Py_buffer b[2];
    unsigned long long key;
    if (!PyArg_ParseTuple(args, "y*Kw*", &b[0], &key, &b[1]))
        return NULL;
    Py_ssize_t count = b[0].len / 8;
    if (!is_of_numbers(&b[0], count) || !is_of_numbers(&b[1], count))
        return done(b, 2, "x and out must be as long as each other");
    const uint64_t *x = b[0].buf;
    uint64_t *out = b[1].buf;
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t i = 0; i < count; i++)
        out[i] = mixed(x[i] ^ (uint64_t)key);
    Py_END_ALLOW_THREADS
    return done(b, 2, NULL);
}

/* Run_0 and Run_1 of the bytes that begin at p; what lies before `end` may be read. */
static inline void run(const unsigned char *p, Py_ssize_t bytes, const unsigned char *end, uint64_t *first, uint64_t *second)
{
    uint64_t one = (uint64_t)bytes * L, two = one, step_one = G0, step_two = G1;
    for (; bytes >= 8; bytes -= 8, p += 8, step_one += G0, step_two += G1) {
        uint64_t w = word(p);
        one += mixed(w + step_one);
        two += mixed(w + step_two);
    }
    if (bytes) {
        uint64_t w = last_word(p, bytes, end);
        one += mixed(w + step_one);
        two += mixed(w + step_two);
    }
    *first = one;
    *second = two;
}

PyDoc_STRVAR(runs_doc, "runs(offsets, content, first, second): Run_0 and Run_1 of content[offsets[i] : offsets[i + 1]].");

static PyObject *runs(PyObject *self, PyObject *args)
{
    Py_buffer b[4];
    if (!PyArg_ParseTuple(args, "y*y*w*w*", &b[0], &b[1], &b[2], &b[3]))
        return NULL;
    Py_ssize_t count = b[0].len / 8 - 1;
    if (count < 0 || !is_of_numbers(&b[0], count + 1) || !is_of_numbers(&b[2], count) || !is_of_numbers(&b[3], count))
        return done(b, 4, "there must be one offset more than states");
    const int64_t *offsets = b[0].buf;
    const unsigned char *content = b[1].buf, *end = content + b[1].len;
    uint64_t *first = b[2].buf, *second = b[3].buf;
    const char *wrong = NULL;
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t i = 0; i < count; i++) {
        int64_t from = offsets[i], to = offsets[i + 1];
        if (from < 0 || to < from || to > b[1].len) {
            wrong = "an offset lies outside the content";
            break;
        }
        run(content + from, (Py_ssize_t)(to - from), end, &first[i], &second[i]);
    }
    Py_END_ALLOW_THREADS
    return done(b, 4, wrong);
}

/* Arrow's layout of a value of text: up to 12 bytes stand in it, of others the first 4, a buffer's number and a place
   (https://arrow.apache.org/docs/format/Columnar.html, Variable-size Binary View Layout). */
struct view {
    int32_t length;
    unsigned char begin[4];
    int32_t buffer, place;
};
#define WITHIN 12

PyDoc_STRVAR(views_doc, "views(views, buffers, first, second): Run_0 and Run_1 of the values of views into a tuple of buffers.");

static PyObject *views(PyObject *self, PyObject *args)
{
    Py_buffer b[3];
    PyObject *others;
    if (!PyArg_ParseTuple(args, "y*O!w*w*", &b[0], &PyTuple_Type, &others, &b[1], &b[2]))
        return NULL;
    Py_ssize_t count = b[0].len / 16, held = 0, many = PyTuple_Size(others);
    if (!is_of_numbers(&b[0], 2 * count) || !is_of_numbers(&b[1], count) || !is_of_numbers(&b[2], count))
        return done(b, 3, "there must be as many states as views");
    Py_buffer *lies = PyMem_Calloc((size_t)many + 1, sizeof *lies);
    if (lies == NULL) {
        release(b, 3);
        return PyErr_NoMemory();
    }
    for (; held < many; held++)
        if (PyObject_GetBuffer(PyTuple_GetItem(others, held), &lies[held], PyBUF_SIMPLE) < 0)
            break;
    const char *wrong = NULL;
    if (held == many) {
        const struct view *all = b[0].buf;
        const unsigned char *all_end = (const unsigned char *)b[0].buf + b[0].len;
        uint64_t *first = b[1].buf, *second = b[2].buf;
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t i = 0; i < count; i++) {
            const struct view *v = &all[i];
            const unsigned char *p = v->begin, *end = all_end;
            if (v->length < 0 || (v->length > WITHIN && (v->buffer < 0 || v->buffer >= many || v->place < 0 ||
                                                        v->length > lies[v->buffer].len - v->place))) {
                wrong = "a view shows to what is not there";
                break;
            }
            if (v->length > WITHIN) {
                p = (const unsigned char *)lies[v->buffer].buf + v->place;
                end = (const unsigned char *)lies[v->buffer].buf + lies[v->buffer].len;
            }
            run(p, v->length, end, &first[i], &second[i]);
        }
        Py_END_ALLOW_THREADS
    }
    release(lies, (int)held);
    PyMem_Free(lies);
    if (held < many) {
        release(b, 3);
        return NULL;
    }
    return done(b, 3, wrong);
}

PyDoc_STRVAR(decimals_doc,
             "decimals(unscaled, scales_first, scales_second, first, second): the states of decimals of one scale, which "
             "is the length of the scales' states less one: those of the scales 0, 1, ... before the unscaled word.");

static PyObject *decimals(PyObject *self, PyObject *args)
{
    Py_buffer b[5];
    if (!PyArg_ParseTuple(args, "y*y*y*w*w*", &b[0], &b[1], &b[2], &b[3], &b[4]))
        return NULL;
    Py_ssize_t count = b[0].len / 8, most = b[1].len / 8 - 1;
    if (most < 0 || !is_of_numbers(&b[0], count) || !is_of_numbers(&b[1], most + 1) || !is_of_numbers(&b[2], most + 1) ||
        !is_of_numbers(&b[3], count) || !is_of_numbers(&b[4], count))
        return done(b, 5, "there must be as many states as numbers");
    const int64_t *unscaled = b[0].buf;
    const uint64_t *scales_one = b[1].buf, *scales_two = b[2].buf;
    uint64_t *first = b[3].buf, *second = b[4].buf;
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t i = 0; i < count; i++) {
        int64_t number = unscaled[i];
        Py_ssize_t scale = number ? most : 0;
        while (scale && number % 10 == 0) {
            number /= 10;
            scale--;
        }
        first[i] = scales_one[scale] + mixed((uint64_t)number + 2 * G0);
        second[i] = scales_two[scale] + mixed((uint64_t)number + 2 * G1);
    }
    Py_END_ALLOW_THREADS
    return done(b, 5, NULL);
}

static PyMethodDef methods[] = {
    {"mix", mix, METH_VARARGS, mix_doc},
    {"runs", runs, METH_VARARGS, runs_doc},
    {"views", views, METH_VARARGS, views_doc},
    {"decimals", decimals, METH_VARARGS, decimals_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "compiled", "The inner loops of the content digest.", 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_compiled(void)
{
    return PyModuleDef_Init(&module);
}
