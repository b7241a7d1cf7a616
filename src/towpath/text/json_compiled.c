/* JSON records in bulk (rules: json_careful.py, json_numbers.py), without the interpreter's lock, straight into the buffers
   of Arrow arrays. What is not plainly in order is declined as a whole, and told by the careful code in Python. Values are
   in the machine's order; ValueError for forms that do not fit together.

   Texts come as bytes objects, which have a 0 behind their last byte: it is part of no token, so that each ends there. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

typedef const unsigned char *bytes;

enum { DEEPEST = 64, STEP = 16, WORD = 8, MANY = 1 << 15 };

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
    "towpath.text.json_compiled.Held", sizeof(struct held), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    held_slots,
};

/* Bytes that grow. */
struct room {
    unsigned char *at;
    Py_ssize_t used, size;
};

static int grow(struct room *room, Py_ssize_t size)
{
    unsigned char *at = realloc(room->at, (size_t)size);
    if (at == NULL)
        return 0;
    room->at = at;
    room->size = size;
    return 1;
}

enum kind { TRUTH, INTEGER, FLOATING, DECIMAL, TEXT, LIST, STRUCT };

static const struct name {
    const char *name;
    enum kind kind;
    int bytes, is_signed;
} NAMES[] = {
    {"bool", TRUTH, 0, 0},     {"int8", INTEGER, 1, 1},    {"int16", INTEGER, 2, 1},   {"int32", INTEGER, 4, 1},
    {"int64", INTEGER, 8, 1},  {"uint8", INTEGER, 1, 0},   {"uint16", INTEGER, 2, 0},  {"uint32", INTEGER, 4, 0},
    {"uint64", INTEGER, 8, 0}, {"double", FLOATING, 8, 0}, {"decimal", DECIMAL, 16, 0}, {"string", TEXT, 4, 0},
    {"list", LIST, 4, 0},      {"struct", STRUCT, 0, 0},
};

/* One column, or what is nested in one, and its values so far. */
struct node {
    const struct name *form;
    int precision, scale, depth; /* the first two of decimals */
    bytes name; /* with a quote, and 0 up to whole words; NULL for one that JSON escapes */
    Py_ssize_t name_size; /* with the quote */
    uint64_t mask; /* for the last word of the name */
    const char *plain_name;
    Py_ssize_t plain_size;
    Py_ssize_t after; /* the number of the member that came after this one the last time */
    int64_t met; /* the object of its parent in which it came last */
    Py_ssize_t width; /* of a struct or list, with its children, which stand next to each other */
    struct node *children;
    Py_ssize_t first; /* the number of the member that came first the last time */
    int64_t objects; /* how many were begun */
    int32_t *table; /* members by the hash of their name, from 1; NULL until one is looked for */
    size_t table_mask;
    Py_ssize_t length, nulls, most; /* values, and for how many there is room */
    struct room values, validity, content;
};

struct reader {
    bytes end;
    Py_ssize_t count, begin; /* rows, and values for which there is room at first */
    struct room key;
    int has_memory;
};

static inline void *lost(struct reader *r)
{
    r->has_memory = 0;
    return NULL;
}

/* Makes room for more values. */
static int widen(struct reader *r, struct node *n)
{
    Py_ssize_t most = n->most ? n->most * 2 : (r->begin + WORD) / WORD * WORD, size = most * n->form->bytes, bits = most / 8;
    if (n->form->kind == TRUTH) {
        Py_ssize_t before = n->values.size;
        if (!grow(&n->values, bits))
            return 0;
        memset(n->values.at + before, 0, (size_t)(bits - before));
    } else if (n->form->kind != STRUCT) {
        if (!grow(&n->values, n->form->bytes == 4 ? size + 4 : size))
            return 0;
        if ((n->form->kind == TEXT || n->form->kind == LIST) && !n->most)
            *(int32_t *)n->values.at = 0;
    }
    if (n->validity.at != NULL) {
        Py_ssize_t before = n->validity.size;
        if (!grow(&n->validity, bits))
            return 0;
        memset(n->validity.at + before, 255, (size_t)(bits - before));
    }
    n->most = most;
    return 1;
}

static int add_null(struct reader *r, struct node *n)
{
    if (n->length == n->most && !widen(r, n))
        return lost(r) != NULL;
    if (n->validity.at == NULL) {
        if (!grow(&n->validity, n->most / 8))
            return lost(r) != NULL;
        memset(n->validity.at, 255, (size_t)n->validity.size);
    }
    n->validity.at[n->length >> 3] &= (unsigned char)~(1 << (n->length & 7));
    if (n->form->kind == TEXT || n->form->kind == LIST)
        ((int32_t *)n->values.at)[n->length + 1] = ((int32_t *)n->values.at)[n->length];
    else if (n->form->bytes)
        memset(n->values.at + n->length * n->form->bytes, 0, (size_t)n->form->bytes);
    else if (n->form->kind == STRUCT)
        for (Py_ssize_t at = 0; at < n->width; at++)
            if (!add_null(r, &n->children[at]))
                return 0;
    n->length++;
    n->nulls++;
    return 1;
}

static inline bytes blanks(bytes p)
{
    while (*p <= ' ' && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

static inline int is_digit(unsigned char c)
{
    return (unsigned char)(c - '0') < 10;
}

static inline uint64_t word(bytes p)
{
    uint64_t found;
    memcpy(&found, p, WORD);
    return found;
}

/* Bytes of the character at p, which is not ASCII; 0 where there is none. */
static inline int character(bytes p)
{
    unsigned char a = p[0], b;
    if (a < 0xC2 || a > 0xF4 || ((b = p[1]) & 0xC0) != 0x80)
        return 0;
    if (a < 0xE0)
        return 2;
    if ((p[2] & 0xC0) != 0x80)
        return 0;
    if (a < 0xF0)
        return (a == 0xE0 && b < 0xA0) || (a == 0xED && b >= 0xA0) ? 0 : 3;
    if ((p[3] & 0xC0) != 0x80)
        return 0;
    return (a == 0xF0 && b < 0x90) || (a == 0xF4 && b >= 0x90) ? 0 : 4;
}

static inline int hex(unsigned char c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The number that four digits tell, or -1. */
static int unit(bytes p)
{
    int found = 0;
    for (int at = 0; at < 4; at++) {
        int digit = hex(p[at]);
        if (digit < 0)
            return -1;
        found = found * 16 + digit;
    }
    return found;
}

/* The character that the backslash at p begins, for which there is room; NULL for what is none. */
static bytes escaped(struct room *into, bytes p)
{
    unsigned char *out = into->at + into->used;
    if (p[1] != 'u') {
        static const char signs[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
        const char *found = p[1] ? strchr(signs, p[1]) : NULL;
        if (found == NULL)
            return NULL;
        *out = (unsigned char)meant[found - signs];
        into->used++;
        return p + 2;
    }
    int code = unit(p + 2);
    if (code < 0)
        return NULL;
    p += 6;
    if (code >= 0xD800 && code < 0xE000) {
        int low = code < 0xDC00 && p[0] == '\\' && p[1] == 'u' ? unit(p + 2) : -1;
        if (low < 0xDC00 || low >= 0xE000)
            return NULL;
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        p += 6;
    }
    int more = (code >= 0x80) + (code >= 0x800) + (code >= 0x10000);
    static const unsigned char heads[] = {0, 0xC0, 0xE0, 0xF0};
    out[0] = (unsigned char)(heads[more] | (code >> 6 * more));
    for (int at = 1; at <= more; at++)
        out[at] = (unsigned char)(0x80 | ((code >> 6 * (more - at)) & 0x3F));
    into->used += more + 1;
    return p;
}

/* How many of the next bytes, all of which are copied, certainly stand for themselves. */
#ifdef __SSE2__
enum { STRIDE = 16 };
static inline int copied(unsigned char *out, bytes p)
{
    __m128i all = _mm_loadu_si128((const __m128i *)p);
    _mm_storeu_si128((__m128i *)out, all);
    /* compared with signs: what is not ASCII is less than a blank, too */
    __m128i signs = _mm_or_si128(_mm_cmpeq_epi8(all, _mm_set1_epi8('"')), _mm_cmpeq_epi8(all, _mm_set1_epi8('\\')));
    __m128i odd = _mm_or_si128(_mm_cmplt_epi8(all, _mm_set1_epi8(' ')), signs);
    unsigned found = (unsigned)_mm_movemask_epi8(odd);
#if defined(__GNUC__) || defined(__clang__)
    return found ? __builtin_ctz(found) : STRIDE;
#else
    int at = 0;
    while (at < STRIDE && !(found >> at & 1))
        at++;
    return at;
#endif
}
#else
enum { STRIDE = WORD };
static inline int copied(unsigned char *out, bytes p)
{
    const uint64_t ones = ~UINT64_C(0) / 255, tops = ones * 128;
    uint64_t all = word(p), quotes = all ^ ones * '"', slashes = all ^ ones * '\\';
    memcpy(out, p, WORD);
    uint64_t odd = all | ((all - ones * ' ') & ~all) | ((quotes - ones) & ~quotes) | ((slashes - ones) & ~slashes);
    return odd & tops ? 0 : STRIDE;
}
#endif

/* Adds the characters of the string that begins behind the quote before p; gives what follows its end. */
static bytes string(struct reader *r, struct room *into, bytes p)
{
    for (;;) {
        if (into->size - into->used < STEP && !grow(into, into->size * 2 + r->begin * STEP + STEP))
            return lost(r);
        unsigned char *out = into->at + into->used;
        if (r->end - p >= STRIDE) {
            int plain = copied(out, p);
            p += plain;
            into->used += plain;
            if (plain == STRIDE)
                continue;
            if (*p == '"')
                return p + 1;
            if (into->size - into->used < STEP)
                continue;
            out += plain;
        }
        if (*p == '"')
            return p + 1;
        if (*p < ' ')
            return NULL;
        if (*p == '\\') {
            p = escaped(into, p);
            if (p == NULL)
                return NULL;
        } else if (*p < 0x80) {
            *out = *p++;
            into->used++;
        } else {
            do {
                int size = character(p);
                if (!size)
                    return NULL;
                for (int at = 0; at < size; at++)
                    *out++ = *p++;
                into->used += size;
            } while (*p >= 0x80 && into->size - into->used >= STEP);
        }
    }
}

/* A number has the form -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?; what follows it is the caller's to judge. */

static bytes integer(struct node *n, bytes p)
{
    int is_negative = *p == '-';
    p += is_negative;
    bytes from = p;
    uint64_t found = 0;
    while (is_digit(*p))
        found = found * 10 + (uint64_t)(*p++ - '0');
    Py_ssize_t digits = p - from;
    if (!digits || (*from == '0' && (digits > 1 || is_negative)))
        return NULL;
    if (digits > 19 && (digits > 20 || *from != '1' || found < UINT64_C(10000000000000000000)))
        return NULL; /* beyond 64 bits */
    int bits = n->form->bytes * 8;
    uint64_t most = is_negative ? 0 : ~UINT64_C(0) >> (64 - bits);
    if (n->form->is_signed)
        most = (UINT64_C(1) << (bits - 1)) - !is_negative;
    if (found > most)
        return NULL;
    found = is_negative ? 0 - found : found;
    switch (bits) {
    case 8:
        ((uint8_t *)n->values.at)[n->length] = (uint8_t)found;
        break;
    case 16:
        ((uint16_t *)n->values.at)[n->length] = (uint16_t)found;
        break;
    case 32:
        ((uint32_t *)n->values.at)[n->length] = (uint32_t)found;
        break;
    default:
        ((uint64_t *)n->values.at)[n->length] = found;
    }
    return p;
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

/* A double: its 53 digits of base two, and the power of two by which they are multiplied. */
struct parts {
    uint64_t digits;
    int power;
};

/* The double next to number / 10^scale, and of two the even one. The number is not 0. */
static struct parts nearest(uint64_t number, int scale)
{
    int up = 127 - width_of(number);
    wide divided = (wide)number << up, quotient = divided / FIVES[scale];
    int is_more = quotient * FIVES[scale] != divided, drop = width_of(quotient) - 53; /* at least 10 */
    uint64_t digits = (uint64_t)(quotient >> drop);
    wide rest = quotient & (((wide)1 << drop) - 1), half = (wide)1 << (drop - 1);
    digits += rest > half || (rest == half && (is_more || digits & 1));
    if (digits >> 53)
        return (struct parts){digits >> 1, drop + 1 - up - scale};
    return (struct parts){digits, drop - up - scale};
}

/* The whole number next to a double times 10^scale, of two the lower; 0 where it is not easily told. */
static uint64_t scaled(struct parts d, int scale, int *is_between)
{
    wide product = (wide)d.digits * FIVES[scale];
    int drop = -d.power - scale;
    if (drop < 1 || drop > 120)
        return 0;
    wide rest = product & (((wide)1 << drop) - 1), half = (wide)1 << (drop - 1);
    *is_between = rest == half;
    return (uint64_t)(product >> drop) + (rest > half);
}

static int is_nearest(struct parts d, uint64_t number, int scale)
{
    struct parts other = nearest(number, scale);
    return other.digits == d.digits && other.power == d.power;
}

/* number / 10^scale as a double, if the number is the shortest that reads as it, of these the next to it, and of two the
   even one. It has 16 or 17 digits, of which the last is not 0, or else is very small. */
static int shortest(uint64_t number, int scale, double *value)
{
    int is_between;
    if (number >= UINT64_C(100000000000000000) || scale > FARTHEST)
        return 0;
    struct parts d = nearest(number, scale);
    if (d.digits == UINT64_C(1) << 52) /* its neighbours are not equally far */
        return 0;
    uint64_t found = scaled(d, scale, &is_between);
    if (!found || found + (is_between && found & 1) != number)
        return 0;
    uint64_t shorter = scaled(d, scale - 1, &is_between); /* where it is between two, either reads as d, or none */
    if (!shorter || is_nearest(d, shorter, scale - 1))
        return 0;
    uint64_t bits = (uint64_t)(d.power + 1075) << 52 | (d.digits & ((UINT64_C(1) << 52) - 1));
    memcpy(value, &bits, sizeof bits);
    return 1;
}
#else
static int shortest(uint64_t number, int scale, double *value)
{
    (void)number, (void)scale, (void)value;
    return 0;
}
#endif

/* Of at most 15 digits, and no power of ten beyond 22: both are doubles then, so that what they make is the double next to
   the token (W. D. Clinger, How to Read Floating Point Numbers Accurately, 1990), and no other text as short reads as it. */
static int exact(uint64_t number, int64_t ten, double *value)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (ten == 0 && number <= UINT64_C(1) << 53)
        *value = (double)number;
    else if (number >= UINT64_C(1000000000000000) || ten < -22 || ten > 22)
        return 0;
    else
        *value = ten < 0 ? (double)number / powers[-ten] : (double)number * powers[ten];
    return 1;
}

static bytes floating(bytes p, double *value)
{
    int is_negative = *p == '-';
    p += is_negative;
    bytes from = p;
    uint64_t number = 0;
    while (is_digit(*p))
        number = number * 10 + (uint64_t)(*p++ - '0');
    Py_ssize_t digits = p - from, scale = 0;
    if (!digits || (*from == '0' && digits > 1))
        return NULL;
    if (*p == '.') {
        bytes point = ++p;
        while (is_digit(*p))
            number = number * 10 + (uint64_t)(*p++ - '0');
        scale = p - point;
        if (!scale)
            return NULL;
        digits += scale;
    }
    for (; digits > 19 && (*from == '0' || *from == '.'); from++)
        digits -= *from == '0';
    if (digits > 19)
        return NULL;
    int64_t ten = -(int64_t)scale;
    if (*p == 'e' || *p == 'E') {
        int is_small = *++p == '-', power = 0;
        p += is_small || *p == '+';
        bytes begin = p;
        for (; is_digit(*p) && p - begin < 4; p++)
            power = power * 10 + (*p - '0');
        if (p == begin || is_digit(*p))
            return NULL;
        ten += is_small ? -power : power;
    }
    double found;
    if (number == 0)
        found = 0;
    else if (!exact(number, ten, &found)) {
        for (; ten < 0 && number % 10 == 0; ten++)
            number /= 10;
        if (!exact(number, ten, &found) && (ten >= 0 || ten < -64 || !shortest(number, (int)-ten, &found)))
            return NULL;
    }
    *value = is_negative ? -found : found;
    return p;
}

/* Of no more digits before and after the point than the column has, zeros at the end apart; no -0 and no exponent. */
static bytes decimal(const struct node *n, bytes p, unsigned char *value)
{
#ifdef __SIZEOF_INT128__
    wide number = 0;
    int most = 38;
#else
    uint64_t number = 0;
    int most = 18;
#endif
    int is_negative = *p == '-';
    p += is_negative;
    bytes from = p;
    while (is_digit(*p))
        p++;
    Py_ssize_t whole = p - from, scale = 0;
    if (!whole || (*from == '0' && whole > 1))
        return NULL;
    bytes point = p;
    if (*p == '.') {
        while (is_digit(*++p))
            ;
        scale = p - point - 1;
        if (!scale)
            return NULL;
        while (scale && point[scale] == '0')
            scale--;
    }
    if (*from == '0')
        whole = 0;
    if (whole > n->precision - n->scale || scale > n->scale || whole + n->scale > most)
        return NULL;
    for (bytes at = point - whole; at < point; at++)
        number = number * 10 + (unsigned)(*at - '0');
    for (Py_ssize_t at = 1; at <= n->scale; at++)
        number = number * 10 + (at <= scale ? (unsigned)(point[at] - '0') : 0);
    if (is_negative && !number)
        return NULL;
    uint64_t halves[2];
#ifdef __SIZEOF_INT128__
    number = is_negative ? 0 - number : number;
    halves[0] = (uint64_t)number;
    halves[1] = (uint64_t)(number >> 64);
#else
    halves[0] = is_negative ? 0 - number : number;
    halves[1] = is_negative ? ~UINT64_C(0) : 0;
#endif
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    uint64_t low = halves[0];
    halves[0] = halves[1];
    halves[1] = low;
#endif
    memcpy(value, halves, sizeof halves);
    return p;
}

/* Whether the member's name, as it is, and a quote stand at p. */
static inline int is_named(const struct reader *r, const struct node *n, bytes p)
{
    Py_ssize_t at = 0, size = n->name_size;
    if (n->name == NULL || r->end - p < size + WORD)
        return n->name != NULL && r->end - p >= size && !memcmp(p, n->name, (size_t)size);
    for (; at + WORD < size; at += WORD)
        if (word(p + at) != word(n->name + at))
            return 0;
    return (word(p + at) & n->mask) == word(n->name + at);
}

static inline size_t hash(bytes p, Py_ssize_t size)
{
    uint64_t found = UINT64_C(14695981039346656037);
    for (Py_ssize_t at = 0; at < size; at++)
        found = (found ^ p[at]) * UINT64_C(1099511628211);
    return (size_t)(found ^ found >> 32);
}

/* The member of this name, or NULL. */
static struct node *named(struct reader *r, struct node *n, bytes name, Py_ssize_t size)
{
    if (n->table == NULL) {
        size_t places = WORD;
        while (places < (size_t)n->width * 2)
            places *= 2;
        n->table = calloc(places, sizeof *n->table);
        n->table_mask = places - 1;
        if (n->table == NULL)
            return lost(r);
        for (Py_ssize_t one = 0; one < n->width; one++) {
            size_t at = hash((bytes)n->children[one].plain_name, n->children[one].plain_size) & n->table_mask;
            while (n->table[at])
                at = (at + 1) & n->table_mask;
            n->table[at] = (int32_t)one + 1;
        }
    }
    for (size_t at = hash(name, size) & n->table_mask; n->table[at]; at = (at + 1) & n->table_mask) {
        struct node *found = &n->children[n->table[at] - 1];
        if (found->plain_size == size && !memcmp(found->plain_name, name, (size_t)size))
            return found;
    }
    return NULL;
}

static bytes value(struct reader *r, struct node *n, bytes p);

/* Reads the object at p into the members; those that it lacks are null, and none comes twice. */
static bytes object(struct reader *r, struct node *n, bytes p)
{
    Py_ssize_t *next = &n->first, met = 0;
    int64_t object = ++n->objects;
    if (*p != '{')
        return NULL;
    p = blanks(p + 1);
    int has_more = *p != '}';
    while (has_more) {
        if (*p++ != '"')
            return NULL;
        struct node *member = &n->children[*next];
        if (is_named(r, member, p)) {
            p += member->name_size;
        } else {
            r->key.used = 0;
            p = string(r, &r->key, p);
            member = p == NULL ? NULL : named(r, n, r->key.at, r->key.used);
            if (member == NULL)
                return NULL;
            *next = member - n->children;
        }
        if (member->met == object)
            return NULL;
        member->met = object;
        met++;
        next = &member->after;
        p = blanks(p);
        if (*p != ':')
            return NULL;
        p = value(r, member, blanks(p + 1));
        if (p == NULL)
            return NULL;
        p = blanks(p);
        has_more = *p == ',';
        if (has_more)
            p = blanks(p + 1);
        else if (*p != '}')
            return NULL;
    }
    for (Py_ssize_t at = 0; met < n->width && at < n->width; at++)
        if (n->children[at].met != object && !add_null(r, &n->children[at]))
            return NULL;
    return p + 1;
}

static bytes list(struct reader *r, struct node *n, bytes p)
{
    if (*p != '[')
        return NULL;
    p = blanks(p + 1);
    int has_more = *p != ']';
    while (has_more) {
        p = value(r, n->children, p);
        if (p == NULL)
            return NULL;
        p = blanks(p);
        has_more = *p == ',';
        if (has_more)
            p = blanks(p + 1);
        else if (*p != ']')
            return NULL;
    }
    ((int32_t *)n->values.at)[n->length + 1] = (int32_t)n->children->length;
    return p + 1;
}

static bytes truth(struct node *n, bytes p)
{
    if (p[0] == 't' && p[1] == 'r' && p[2] == 'u' && p[3] == 'e') {
        n->values.at[n->length >> 3] |= (unsigned char)(1 << (n->length & 7));
        return p + 4;
    }
    return p[0] == 'f' && p[1] == 'a' && p[2] == 'l' && p[3] == 's' && p[4] == 'e' ? p + 5 : NULL;
}

/* Adds the value at p; gives what follows it, or NULL where it is not plainly one of its form. */
static bytes value(struct reader *r, struct node *n, bytes p)
{
    if (*p == 'n')
        return p[1] == 'u' && p[2] == 'l' && p[3] == 'l' && add_null(r, n) ? p + 4 : NULL;
    if (n->length == n->most && !widen(r, n))
        return lost(r);
    switch (n->form->kind) {
    case TRUTH:
        p = truth(n, p);
        break;
    case INTEGER:
        p = integer(n, p);
        break;
    case FLOATING:
        p = floating(p, (double *)n->values.at + n->length);
        break;
    case DECIMAL:
        p = decimal(n, p, n->values.at + n->length * 16);
        break;
    case TEXT:
        p = *p == '"' ? string(r, &n->content, p + 1) : NULL;
        ((int32_t *)n->values.at)[n->length + 1] = (int32_t)n->content.used;
        break;
    case LIST:
        p = list(r, n, p);
        break;
    case STRUCT:
        p = object(r, n, p);
        break;
    }
    n->length++;
    return p;
}

/* Whether the text is just so many objects, parted by white space. */
static int records(struct reader *r, struct node *root, bytes p)
{
    Py_ssize_t found = 0;
    bytes next = blanks(p);
    for (p = NULL; next < r->end; found++) {
        if (next == p || found == r->count)
            return 0;
        p = object(r, root, next);
        if (p == NULL)
            return 0;
        next = blanks(p);
    }
    return found == r->count;
}

/* The names as they are compared: each with a quote, up to whole words. */
static int write_names(struct node *all, Py_ssize_t count, struct room *names)
{
    Py_ssize_t size = 0;
    for (struct node *n = all; n < all + count; n++)
        size += (n->plain_size + 1 + WORD) / WORD * WORD + WORD;
    if (!grow(names, size))
        return 0;
    memset(names->at, 0, (size_t)size);
    for (struct node *n = all; n < all + count; n++) {
        int is_plain = 1;
        for (Py_ssize_t at = 0; at < n->plain_size; at++) {
            unsigned char c = (unsigned char)n->plain_name[at];
            is_plain &= c >= ' ' && c != '"' && c != '\\';
        }
        if (!is_plain)
            continue;
        unsigned char *to = names->at + names->used, mask[WORD] = {0};
        n->name = to;
        n->name_size = n->plain_size + 1;
        memcpy(to, n->plain_name, (size_t)n->plain_size);
        to[n->plain_size] = '"';
        memset(mask, 255, (size_t)((n->name_size - 1) % WORD + 1));
        n->mask = word(mask);
        names->used += (n->name_size + WORD) / WORD * WORD + WORD;
    }
    return 1;
}

/* Reads what the forms tell; why they do not fit together, if they do not. */
static const char *begun(PyObject *forms, struct node *all, Py_ssize_t count)
{
    Py_ssize_t next = 1;
    for (Py_ssize_t at = 0; at < count; at++) {
        struct node *n = &all[at];
        PyObject *name;
        const char *form;
        if (!PyArg_ParseTuple(PyTuple_GetItem(forms, at), "Ssiin", &name, &form, &n->precision, &n->scale, &n->width)) {
            PyErr_Clear();
            return "a form must be told by name, type, precision, scale, and number of children";
        }
        n->plain_name = PyBytes_AsString(name);
        n->plain_size = PyBytes_Size(name);
        for (size_t one = 0; one < sizeof NAMES / sizeof *NAMES; one++)
            if (!strcmp(NAMES[one].name, form))
                n->form = &NAMES[one];
        if (n->form == NULL || (at == 0 && n->form->kind != STRUCT))
            return "a form must be one that is read, and the first a struct";
        if (n->form->kind == DECIMAL && (n->precision < 1 || n->precision > 38 || n->scale < 0 || n->scale > n->precision))
            return "a decimal must have 1 to 38 digits";
        if (n->form->kind == STRUCT ? n->width < 1 : n->width != (n->form->kind == LIST))
            return "a struct must have children, a list one, and nothing else any";
        if (n->width > count - next || n->depth > DEEPEST)
            return "the children must be told, and not be nested too deeply";
        n->children = all + next;
        for (Py_ssize_t one = 0; one < n->width; one++) {
            n->children[one].depth = n->depth + 1;
            n->children[one].after = one + 1 < n->width ? one + 1 : 0;
        }
        next += n->width;
    }
    return next == count ? NULL : "the children must be told";
}

/* The bytes as an object that owns them. */
static PyObject *handed(PyObject *type, struct room *room, Py_ssize_t size)
{
    struct held *held = (struct held *)PyType_GenericAlloc((PyTypeObject *)type, 0);
    if (held == NULL)
        return NULL;
    if (size < room->size && room->at != NULL)
        grow(room, size ? size : 1);
    held->at = room->at;
    held->size = size;
    room->at = NULL;
    return (PyObject *)held;
}

static PyObject *told(PyObject *type, struct node *n)
{
    Py_ssize_t bits = (n->length + 7) / 8, size = n->form->kind == TRUTH ? bits : n->form->bytes * n->length;
    if (n->form->kind == TEXT || n->form->kind == LIST)
        size += 4; /* one offset more */
    PyObject *validity = Py_None, *values = Py_None, *content = Py_None;
    if (n->nulls)
        validity = handed(type, &n->validity, bits);
    if (validity != NULL && n->form->kind != STRUCT)
        values = handed(type, &n->values, size);
    if (validity != NULL && values != NULL && n->form->kind == TEXT)
        content = handed(type, &n->content, n->content.used);
    PyObject *found = NULL;
    if (validity != NULL && values != NULL && content != NULL)
        found = Py_BuildValue("(nnOOO)", n->length, n->nulls, validity, values, content);
    if (validity != Py_None)
        Py_XDECREF(validity);
    if (values != Py_None)
        Py_XDECREF(values);
    if (content != Py_None)
        Py_XDECREF(content);
    return found;
}

struct state {
    PyObject *held;
};

PyDoc_STRVAR(parse_doc,
             "parse(data, count, forms) -> a list of (length, nulls, validity, values, content), or None: declined.\n\n"
             "data: bytes that hold `count` objects parted by white space. forms: a tuple of (name, type, precision, scale,\n"
             "number of children) of a struct of all columns, then of its children, then of their children and so on; no two\n"
             "names of one struct are alike. The type is bool, an integer (int8 to uint64), double, decimal, string, list or\n"
             "struct; the answer is in the same order, without the first. The last three are buffers as Arrow has them, or\n"
             "None where there is none.");

static PyObject *parse(PyObject *self, PyObject *args)
{
    PyObject *data, *forms, *found = NULL, *type = ((struct state *)PyModule_GetState(self))->held;
    Py_ssize_t rows;
    if (!PyArg_ParseTuple(args, "SnO!", &data, &rows, &PyTuple_Type, &forms))
        return NULL;
    Py_ssize_t count = PyTuple_Size(forms), size = PyBytes_Size(data);
    bytes text = (bytes)PyBytes_AsString(data);
    struct node *all = count < INT32_MAX ? calloc((size_t)count + 1, sizeof *all) : NULL;
    struct room names = {NULL, 0, 0};
    struct reader r = {text + size, rows, rows < MANY ? rows : MANY, {NULL, 0, 0}, all != NULL};
    const char *why = !r.has_memory ? NULL : !count ? "there must be columns" : begun(forms, all, count);
    int is_read = 0;
    if (r.has_memory && why == NULL) {
        Py_BEGIN_ALLOW_THREADS
        r.has_memory = write_names(all, count, &names);
        /* an object takes two bytes, so that nobody is given room for more than there can be */
        is_read = r.has_memory && rows >= 0 && rows <= size && size < INT32_MAX && records(&r, all, text);
        for (Py_ssize_t at = 1; is_read && at < count; at++)
            if (!all[at].most && !widen(&r, &all[at]))
                is_read = r.has_memory = 0;
            else if (all[at].form->kind == TEXT && all[at].content.at == NULL && !grow(&all[at].content, 1))
                is_read = r.has_memory = 0;
        Py_END_ALLOW_THREADS
    }
    if (!r.has_memory)
        PyErr_NoMemory();
    else if (why != NULL)
        PyErr_SetString(PyExc_ValueError, why);
    else if (!is_read)
        found = Py_NewRef(Py_None);
    else
        found = PyList_New(count - 1);
    for (Py_ssize_t at = 1; is_read && found != NULL && at < count; at++) {
        PyObject *one = told(type, &all[at]);
        if (one == NULL)
            Py_CLEAR(found);
        else
            PyList_SetItem(found, at - 1, one);
    }
    for (Py_ssize_t at = 0; all != NULL && at < count; at++) {
        free(all[at].values.at);
        free(all[at].validity.at);
        free(all[at].content.at);
        free(all[at].table);
    }
    free(r.key.at);
    free(names.at);
    free(all);
    return found;
}

PyDoc_STRVAR(lines_doc,
             "lines(data) -> how many lines are not blank, if each begins with { and ends with }, blanks apart; else 0.");

static PyObject *lines(PyObject *self, PyObject *args)
{
    PyObject *data;
    if (!PyArg_ParseTuple(args, "S", &data))
        return NULL;
    bytes p = (bytes)PyBytes_AsString(data), end = p + PyBytes_Size(data);
    Py_ssize_t found = 0;
    Py_BEGIN_ALLOW_THREADS
    while (p < end) {
        p = blanks(p);
        if (p == end)
            break;
        bytes stop = memchr(p, '\n', (size_t)(end - p)), last = stop == NULL ? end : stop;
        while (last[-1] == ' ' || last[-1] == '\t' || last[-1] == '\r')
            last--; /* not before p, where there is no blank */
        if (*p != '{' || last[-1] != '}') {
            found = 0;
            break;
        }
        found++;
        p = stop == NULL ? end : stop + 1;
    }
    Py_END_ALLOW_THREADS
    return PyLong_FromSsize_t(found);
}

static PyMethodDef methods[] = {
    {"parse", parse, METH_VARARGS, parse_doc},
    {"lines", lines, METH_VARARGS, lines_doc},
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
    PyModuleDef_HEAD_INIT, "json_compiled", "JSON records in bulk.", sizeof(struct state), methods, slots, traverse, clear, unload,
};

PyMODINIT_FUNC PyInit_json_compiled(void)
{
    return PyModuleDef_Init(&module);
}
