/* The compiled loop of serve/hot.py, for Python: see _native.pyi for what each thing is.
 *
 * Nothing is decided here. What is not known by its octets is handed back to Python, datagram by datagram in
 * the order in which they came, so that limits and counts are what they are without this module.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include <errno.h>
#include <string.h>

#include "datagrams.h"
#include "direct.h"

enum { MAX_BOUNDS = 31, CLIENT_FIELDS = 6 };

typedef struct {
    PyTypeObject *ready, *way, *limit, *direct;
} types;

static void destroy(PyObject *self) { /* the end of every object here: the type of a heap type is counted */
    PyTypeObject *type = Py_TYPE(self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

static PyObject *made(PyTypeObject *type) { return ((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0); }

/* --- Way: what durations are counted by ----------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    Py_ssize_t bounds;
    unsigned long long slots[MAX_BOUNDS + 1];
    double total;
    unsigned turn; /* how many of the batch */
} Way;

static PyObject *way_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    Py_ssize_t bounds;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "n:Way", &bounds))
        return NULL;
    if (bounds < 0 || bounds > MAX_BOUNDS)
        return PyErr_Format(PyExc_ValueError, "expected 0 to %d bounds", MAX_BOUNDS);
    Way *self = (Way *)made(type);
    if (self != NULL)
        self->bounds = bounds;
    return (PyObject *)self;
}

static PyObject *way_drain(Way *self, PyObject *unused) {
    (void)unused;
    PyObject *slots = PyList_New(self->bounds + 1);
    if (slots == NULL)
        return NULL;
    for (Py_ssize_t slot = 0; slot <= self->bounds; slot++) {
        PyObject *count = PyLong_FromUnsignedLongLong(self->slots[slot]);
        if (count == NULL || PyList_SetItem(slots, slot, count) < 0) {
            Py_DECREF(slots);
            return NULL;
        }
        self->slots[slot] = 0;
    }
    double total = self->total;
    self->total = 0;
    return Py_BuildValue("(Nd)", slots, total);
}

static PyMethodDef way_methods[] = {
    {"drain", (PyCFunction)way_drain, METH_NOARGS, NULL},
    {0},
};
static PyType_Slot way_slots[] = {
    {Py_tp_new, way_new}, {Py_tp_dealloc, destroy}, {Py_tp_methods, way_methods}, {0},
};
static PyType_Spec way_spec = {"splitdns.serve._native.Way", sizeof(Way), 0, Py_TPFLAGS_DEFAULT, way_slots};

/* --- Ready: an answer to certain octets ----------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    PyObject *rest; /* bytes: all of the answer but its id */
    PyObject *way, *tag;
    double until_s;
    long long hits;
} Ready;

static PyObject *ready_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *rest, *way, *tag;
    double until_s;
    (void)kwargs;
    types *of = PyType_GetModuleState(type);
    if (of == NULL || !PyArg_ParseTuple(args, "SO!dO:Ready", &rest, of->way, &way, &until_s, &tag))
        return NULL;
    Ready *self = (Ready *)made(type);
    if (self == NULL)
        return NULL;
    self->rest = Py_NewRef(rest);
    self->way = Py_NewRef(way);
    self->tag = Py_NewRef(tag);
    self->until_s = until_s;
    return (PyObject *)self;
}

static int ready_traverse(Ready *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE((PyObject *)self));
    Py_VISIT(self->way);
    Py_VISIT(self->tag);
    return 0;
}

static int ready_clear(Ready *self) {
    Py_CLEAR(self->tag);
    return 0;
}

static void ready_dealloc(Ready *self) {
    PyObject_GC_UnTrack(self);
    ready_clear(self);
    Py_CLEAR(self->rest);
    Py_CLEAR(self->way);
    destroy((PyObject *)self);
}

static PyObject *ready_settle(Ready *self, PyObject *unused) {
    (void)unused;
    long long hits = self->hits;
    if (hits == 0 || self->tag == NULL)
        Py_RETURN_NONE;
    self->hits = 0;
    return PyObject_CallMethod(self->tag, "count", "LO", hits, self->rest);
}

static PyObject *ready_rest(Ready *self, void *unused) {
    (void)unused;
    return Py_NewRef(self->rest);
}

static int ready_set_rest(Ready *self, PyObject *rest, void *unused) {
    (void)unused;
    if (rest == NULL || !PyBytes_Check(rest)) {
        PyErr_SetString(PyExc_TypeError, "expected bytes");
        return -1;
    }
    PyObject *former = self->rest;
    self->rest = Py_NewRef(rest);
    Py_DECREF(former);
    return 0;
}

static PyMethodDef ready_methods[] = {
    {"settle", (PyCFunction)ready_settle, METH_NOARGS, NULL},
    {0},
};
static PyGetSetDef ready_accessors[] = {
    {"rest", (getter)ready_rest, (setter)ready_set_rest, NULL, NULL},
    {0},
};
static PyMemberDef ready_members[] = {
    {"way", T_OBJECT_EX, offsetof(Ready, way), READONLY, NULL},
    {"tag", T_OBJECT_EX, offsetof(Ready, tag), READONLY, NULL},
    {"until_s", T_DOUBLE, offsetof(Ready, until_s), 0, NULL},
    {"hits", T_LONGLONG, offsetof(Ready, hits), 0, NULL},
    {0},
};
static PyType_Slot ready_slots[] = {
    {Py_tp_new, ready_new},
    {Py_tp_dealloc, ready_dealloc},
    {Py_tp_traverse, ready_traverse},
    {Py_tp_clear, ready_clear},
    {Py_tp_methods, ready_methods},
    {Py_tp_getset, ready_accessors},
    {Py_tp_members, ready_members},
    {0},
};
static PyType_Spec ready_spec = {
    "splitdns.serve._native.Ready", sizeof(Ready), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, ready_slots,
};

/* --- Limit: Buckets.take of answer/limits.py, on the same array ------------------------------------------ */

typedef struct {
    PyObject_HEAD
    Py_buffer due_s;
    double cost_s, window_s;
} Limit;

static PyObject *limit_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *due_s;
    double cost_s, window_s;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "Odd:Limit", &due_s, &cost_s, &window_s))
        return NULL;
    Limit *self = (Limit *)made(type);
    if (self == NULL)
        return NULL;
    if (PyObject_GetBuffer(due_s, &self->due_s, PyBUF_WRITABLE) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    self->cost_s = cost_s;
    self->window_s = window_s;
    return (PyObject *)self;
}

static void limit_dealloc(Limit *self) {
    if (self->due_s.obj != NULL)
        PyBuffer_Release(&self->due_s);
    destroy((PyObject *)self);
}

static int limit_takes(Limit *self, Py_ssize_t slot, double now_s) {
    double *due_s = self->due_s.buf;
    Py_ssize_t buckets = self->due_s.len / (Py_ssize_t)sizeof(double);
    if (slot < 0 || slot >= buckets) {
        PyErr_SetString(PyExc_IndexError, "no such bucket");
        return -1;
    }
    double due = due_s[slot];
    if (due <= now_s) {
        due_s[slot] = now_s + self->cost_s;
        return 1;
    }
    due += self->cost_s;
    if (due - now_s <= self->window_s) {
        due_s[slot] = due;
        return 1;
    }
    if (slot != buckets - 1)
        return 0;
    due_s[slot] = 0; /* the last one is for whoever is exempt */
    return 1;
}

static PyObject *limit_take(Limit *self, PyObject *args) {
    Py_ssize_t slot;
    double now_s;
    if (!PyArg_ParseTuple(args, "nd:take", &slot, &now_s))
        return NULL;
    int taken = limit_takes(self, slot, now_s);
    return taken < 0 ? NULL : PyBool_FromLong(taken);
}

static PyMethodDef limit_methods[] = {
    {"take", (PyCFunction)limit_take, METH_VARARGS, NULL},
    {0},
};
static PyType_Slot limit_slots[] = {
    {Py_tp_new, limit_new}, {Py_tp_dealloc, limit_dealloc}, {Py_tp_methods, limit_methods}, {0},
};
static PyType_Spec limit_spec = {"splitdns.serve._native.Limit", sizeof(Limit), 0, Py_TPFLAGS_DEFAULT, limit_slots};

/* --- Direct: what a view's zones answer without Python --------------------------------------------------- */

typedef struct {
    direct_ground core;
    Py_buffer block;
    PyObject *denials, *deny, *way, *owner;
} Ground;

typedef struct {
    PyObject_HEAD
    direct_view view;
    Ground *grounds;
    size_t grounds_count;
    PyObject *names; /* of the places: a tuple of bytes */
} Direct;

static int direct_traverse(Direct *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE((PyObject *)self));
    for (size_t at = 0; at < self->grounds_count; at++) {
        Py_VISIT(self->grounds[at].denials);
        Py_VISIT(self->grounds[at].deny);
        Py_VISIT(self->grounds[at].way);
        Py_VISIT(self->grounds[at].owner);
    }
    return 0;
}

static int direct_clear(Direct *self) {
    for (size_t at = 0; at < self->grounds_count; at++) {
        Py_CLEAR(self->grounds[at].deny);
        Py_CLEAR(self->grounds[at].owner);
    }
    return 0;
}

static void direct_dealloc(Direct *self) {
    PyObject_GC_UnTrack(self);
    direct_clear(self);
    for (size_t at = 0; at < self->grounds_count; at++) {
        Py_CLEAR(self->grounds[at].denials);
        Py_CLEAR(self->grounds[at].way);
        if (self->grounds[at].block.obj != NULL)
            PyBuffer_Release(&self->grounds[at].block);
    }
    Py_CLEAR(self->names);
    PyMem_Free(self->grounds);
    PyMem_Free(self->view.places);
    PyMem_Free((void *)self->view.inside);
    PyMem_Free(self->view.hidden);
    destroy((PyObject *)self);
}

/* Room for so many of something, zeroed; never NULL for none. */
static void *room_for(Py_ssize_t count, size_t octets) {
    void *room = PyMem_Calloc((size_t)count + 1, octets);
    if (room == NULL)
        PyErr_NoMemory();
    return room;
}

/* `inside`: (octets, bits, where an address is embedded). */
static int set_inside(Direct *self, PyObject *inside) {
    Py_ssize_t count = PyTuple_Size(inside);
    direct_prefix *made = room_for(count, sizeof(direct_prefix));
    self->view.inside = made;
    if (made == NULL)
        return -1;
    for (Py_ssize_t at = 0; at < count; at++) {
        const char *octets;
        Py_ssize_t width, bits, embedded;
        if (!PyArg_ParseTuple(PyTuple_GetItem(inside, at), "y#nn", &octets, &width, &bits, &embedded))
            return -1;
        if ((width != 4 && width != 16) || bits < 0 || bits > 8 * width || embedded < 0 || embedded > width - 4) {
            PyErr_SetString(PyExc_ValueError, "expected a prefix");
            return -1;
        }
        memcpy(made[at].octets, octets, (size_t)width);
        made[at].width = (size_t)width;
        made[at].bits = (size_t)bits;
        made[at].at = (size_t)embedded;
        self->view.inside_count++;
    }
    return 0;
}

/* `hidden`: packed addresses, filled up to 16 octets and sorted. */
static int set_hidden(Direct *self, PyObject *hidden) {
    Py_ssize_t count = PyTuple_Size(hidden);
    if ((self->view.hidden = room_for(count, DIRECT_HIDDEN_OCTETS)) == NULL)
        return -1;
    for (Py_ssize_t at = 0; at < count; at++) {
        char *octets;
        Py_ssize_t width;
        if (PyBytes_AsStringAndSize(PyTuple_GetItem(hidden, at), &octets, &width) < 0)
            return -1;
        if (width != DIRECT_HIDDEN_OCTETS) {
            PyErr_SetString(PyExc_ValueError, "expected 16 octets");
            return -1;
        }
        memcpy(self->view.hidden[at], octets, DIRECT_HIDDEN_OCTETS);
        self->view.hidden_count++;
    }
    return 0;
}

/* `told`: (block, octets of the apex, closed, denials, deny, way, owner). */
static int set_ground(Direct *self, types *of, PyObject *told) {
    Ground *ground = &self->grounds[self->grounds_count];
    PyObject *block, *denials, *deny, *way, *owner;
    Py_ssize_t apex_octets;
    int closed;
    if (!PyArg_ParseTuple(told, "OnpO!OO!O", &block, &apex_octets, &closed, &PyDict_Type, &denials, &deny, of->way,
                          &way, &owner))
        return -1;
    if (PyObject_GetBuffer(block, &ground->block, PyBUF_SIMPLE) < 0)
        return -1;
    self->grounds_count++;
    ground->denials = Py_NewRef(denials);
    ground->deny = Py_NewRef(deny);
    ground->way = Py_NewRef(way);
    ground->owner = Py_NewRef(owner);
    ground->core.apex_octets = (size_t)apex_octets;
    ground->core.closed = closed;
    ground->core.owner = ground;
    if (!direct_ground_set(&ground->core, ground->block.buf, (size_t)ground->block.len)) {
        PyErr_SetString(PyExc_ValueError, "expected a zone's block");
        return -1;
    }
    return 0;
}

/* `names` and, one for each, `grounds`: None where it is not answered directly. */
static int set_places(Direct *self, types *of, PyObject *names, PyObject *grounds) {
    Py_ssize_t count = PyTuple_Size(names), slots = 4;
    if (PyTuple_Size(grounds) != count) {
        PyErr_SetString(PyExc_ValueError, "expected a ground for each name");
        return -1;
    }
    while (slots < 2 * count)
        slots *= 2;
    self->names = Py_NewRef(names);
    self->view.places_mask = (uint32_t)slots - 1;
    self->view.places = room_for(slots, sizeof(direct_place));
    self->grounds = room_for(count, sizeof(Ground));
    if (self->view.places == NULL || self->grounds == NULL)
        return -1;
    for (Py_ssize_t at = 0; at < count; at++) {
        char *name;
        Py_ssize_t octets;
        PyObject *told = PyTuple_GetItem(grounds, at);
        if (PyBytes_AsStringAndSize(PyTuple_GetItem(names, at), &name, &octets) < 0)
            return -1;
        const direct_ground *ground = NULL;
        if (told != Py_None) {
            if (set_ground(self, of, told) < 0)
                return -1;
            ground = &self->grounds[self->grounds_count - 1].core;
        }
        direct_place_set(&self->view, (const uint8_t *)name, (size_t)octets, ground);
    }
    return 0;
}

static PyObject *direct_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    int recursion, outside;
    Py_ssize_t payload_octets, types_octets;
    const char *rdtypes;
    PyObject *inside, *hidden, *names, *grounds;
    types *of = PyType_GetModuleState(type);
    (void)kwargs;
    if (of == NULL ||
        !PyArg_ParseTuple(args, "ppny#O!O!O!O!:Direct", &recursion, &outside, &payload_octets, &rdtypes, &types_octets,
                          &PyTuple_Type, &inside, &PyTuple_Type, &hidden, &PyTuple_Type, &names, &PyTuple_Type,
                          &grounds))
        return NULL;
    if (types_octets != DIRECT_TYPES || payload_octets < 0 || payload_octets > UINT16_MAX) {
        PyErr_SetString(PyExc_ValueError, "expected a flag for each type, and an EDNS size");
        return NULL;
    }
    Direct *self = (Direct *)made(type);
    if (self == NULL)
        return NULL;
    self->view.recursion = recursion;
    self->view.outside = outside;
    self->view.payload_octets = (size_t)payload_octets;
    memcpy(self->view.types, rdtypes, DIRECT_TYPES);
    if (set_inside(self, inside) < 0 || set_hidden(self, hidden) < 0 || set_places(self, of, names, grounds) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

/* The authority section of a negative answer, borrowed; NULL without an error: there is none. */
static PyObject *denial(const direct_answer *answer, const uint8_t *query) {
    Ground *ground = answer->ground->owner;
    PyObject *key = PyLong_FromLong((long)(answer->name_octets | (size_t)answer->differs << 8));
    if (key == NULL)
        return NULL;
    PyObject *found = PyDict_GetItemWithError(ground->denials, key);
    if (found == NULL && !PyErr_Occurred()) {
        PyObject *told = PyObject_CallFunction(ground->deny, "y#O", query + 12, (Py_ssize_t)answer->name_octets, key);
        if (told != NULL)
            found = PyDict_GetItemWithError(ground->denials, key);
        Py_XDECREF(told);
    }
    Py_DECREF(key);
    return found == Py_None ? NULL : found;
}

static PyType_Slot direct_slots[] = {
    {Py_tp_new, direct_new},
    {Py_tp_dealloc, direct_dealloc},
    {Py_tp_traverse, direct_traverse},
    {Py_tp_clear, direct_clear},
    {0},
};
static PyType_Spec direct_spec = {
    "splitdns.serve._native.Direct", sizeof(Direct), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, direct_slots,
};

/* --- Loop: one socket's --------------------------------------------------------------------------------- */

/* So many direct answers that are counted alike. */
typedef struct {
    PyObject *owner; /* NULL: free */
    uint16_t qtype, query_octets, answer_octets;
    uint8_t dnssec, rcode;
    unsigned long long hits;
} Tally;

enum { TALLIES = 4096, MAX_TALLIES = TALLIES * 3 / 4 }; /* what is beyond in one turn is counted by Python */

typedef struct {
    PyObject_HEAD
    datagrams batch;
    types *of;
    PyObject *module; /* whose state `of` is */
    Py_buffer memory;
    PyObject *clients, *usual;
    double bounds[MAX_BOUNDS];
    Py_ssize_t bounds_count;
    Way *ways[DATAGRAMS]; /* of this batch */
    unsigned ways_count;
    Tally *tallies;
    long long tallied; /* how many of them are taken */
    long long unsent;
} Loop;

static int bounds_of(Loop *self, PyObject *bounds) {
    self->bounds_count = PyTuple_Size(bounds);
    if (self->bounds_count > MAX_BOUNDS) {
        PyErr_SetString(PyExc_ValueError, "too many bounds");
        return -1;
    }
    for (Py_ssize_t at = 0; at < self->bounds_count; at++)
        self->bounds[at] = PyFloat_AsDouble(PyTuple_GetItem(bounds, at));
    return PyErr_Occurred() ? -1 : 0;
}

static PyObject *loop_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    int fd, of_ipv6;
    PyObject *memory, *clients, *usual, *bounds;
    Py_ssize_t slot_octets, control_octets;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "ipOnnO!OO!:Loop", &fd, &of_ipv6, &memory, &slot_octets, &control_octets,
                          &PyDict_Type, &clients, &usual, &PyTuple_Type, &bounds))
        return NULL;
    Loop *self = (Loop *)made(type);
    if (self == NULL)
        return NULL;
    self->clients = Py_NewRef(clients);
    self->usual = Py_NewRef(usual);
    self->of = PyType_GetModuleState(type);
    self->module = Py_XNewRef(PyType_GetModule(type));
    if (self->of == NULL || bounds_of(self, bounds) < 0 ||
        (self->tallies = room_for(TALLIES, sizeof(Tally))) == NULL ||
        PyObject_GetBuffer(memory, &self->memory, PyBUF_WRITABLE) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    if ((size_t)self->memory.len < DATAGRAMS * (sizeof(struct mmsghdr) + (size_t)slot_octets)) {
        Py_DECREF(self);
        PyErr_SetString(PyExc_ValueError, "the memory has no room for a batch");
        return NULL;
    }
    self->batch.fd = fd;
    self->batch.of_ipv6 = of_ipv6;
    self->batch.slot_octets = (size_t)slot_octets;
    self->batch.control_octets = (size_t)control_octets;
    self->batch.received = self->memory.buf;
    return (PyObject *)self;
}

static int loop_traverse(Loop *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE((PyObject *)self));
    Py_VISIT(self->module);
    Py_VISIT(self->clients);
    Py_VISIT(self->usual);
    return 0;
}

static int loop_clear(Loop *self) {
    Py_CLEAR(self->clients);
    Py_CLEAR(self->usual);
    return 0;
}

static void forget_tallies(Loop *self) {
    for (size_t at = 0; self->tallies != NULL && at < TALLIES; at++)
        Py_CLEAR(self->tallies[at].owner);
    if (self->tallies != NULL)
        memset(self->tallies, 0, TALLIES * sizeof(Tally));
    self->tallied = 0;
}

static void loop_dealloc(Loop *self) {
    PyObject_GC_UnTrack(self);
    loop_clear(self);
    forget_tallies(self);
    PyMem_Free(self->tallies);
    Py_CLEAR(self->module);
    if (self->memory.obj != NULL)
        PyBuffer_Release(&self->memory);
    destroy((PyObject *)self);
}

static void count_way(Loop *self, PyObject *one) {
    Way *way = (Way *)one;
    if (way->turn++ == 0)
        self->ways[self->ways_count++] = (Way *)Py_NewRef(one);
}

/* Where such an answer is counted; NULL: there is no room. */
static Tally *tally_of(Loop *self, const Tally *alike) {
    size_t slot = (size_t)alike->owner >> 4;
    slot = slot * 31 + alike->qtype;
    slot = slot * 31 + alike->query_octets;
    slot = slot * 31 + alike->answer_octets;
    slot = slot * 31 + alike->rcode * 2u + alike->dnssec;
    for (;; slot++) {
        Tally *tally = &self->tallies[slot % TALLIES];
        if (tally->owner == NULL) {
            if (self->tallied >= MAX_TALLIES)
                return NULL;
            *tally = *alike;
            Py_INCREF(tally->owner);
            self->tallied++;
            return tally;
        }
        if (tally->owner == alike->owner && tally->qtype == alike->qtype && tally->rcode == alike->rcode &&
            tally->dnssec == alike->dnssec && tally->query_octets == alike->query_octets &&
            tally->answer_octets == alike->answer_octets)
            return tally;
    }
}

/* Everybody of a batch waited for all of it. */
static void count_durations(Loop *self, double duration_s) {
    Py_ssize_t slot = 0;
    while (slot < self->bounds_count && self->bounds[slot] < duration_s)
        slot++;
    for (unsigned at = 0; at < self->ways_count; at++) {
        Way *way = self->ways[at];
        way->slots[slot < way->bounds ? slot : way->bounds] += way->turn;
        way->total += way->turn * duration_s;
        way->turn = 0;
        Py_DECREF((PyObject *)way);
    }
    self->ways_count = 0;
}

/* Whether a client may be answered; -1 with an error. */
static int admitted(Loop *self, PyObject *client, double now_s) {
    PyObject *limit = PyTuple_GetItem(client, 3);
    if (limit == Py_None)
        return 1;
    if (!Py_IS_TYPE(limit, self->of->limit)) {
        PyErr_SetString(PyExc_TypeError, "expected a Limit");
        return -1;
    }
    Py_ssize_t bucket = PyLong_AsSsize_t(PyTuple_GetItem(client, 4));
    if (bucket == -1 && PyErr_Occurred())
        return -1;
    return limit_takes((Limit *)limit, bucket, now_s);
}

/* How long the answer is that a zone gave directly: 0 without one, -1 with an error. */
static Py_ssize_t answer_directly(Loop *self, PyObject *client, uint8_t *slot, size_t octets, double now_s) {
    PyObject *direct = PyTuple_GetItem(client, 5);
    direct_answer found;
    if (direct == Py_None)
        return 0;
    if (!Py_IS_TYPE(direct, self->of->direct)) {
        PyErr_SetString(PyExc_TypeError, "expected a Direct");
        return -1;
    }
    const direct_view *view = &((Direct *)direct)->view;
    if (!direct_find(view, slot, octets, &found))
        return 0;
    if (found.kind != DIRECT_FOUND) {
        PyObject *told = denial(&found, slot);
        char *records;
        Py_ssize_t records_octets;
        if (told == NULL)
            return PyErr_Occurred() ? -1 : 0;
        if (PyBytes_AsStringAndSize(told, &records, &records_octets) < 0)
            return -1;
        found.records = (const uint8_t *)records;
        found.records_octets = (size_t)records_octets;
    }
    Ground *ground = found.ground->owner;
    size_t total = direct_octets(&found);
    Tally alike = {ground->owner, found.qtype, (uint16_t)octets, (uint16_t)total, (uint8_t)found.dnssec,
                   found.flags[1] & 0xF, 0};
    if (total > self->batch.slot_octets || total > found.limit_octets)
        return 0;
    Tally *tally = tally_of(self, &alike);
    if (tally == NULL)
        return 0;
    int may = admitted(self, client, now_s);
    if (may != 1)
        return may;
    direct_write(view, &found, slot);
    tally->hits++;
    count_way(self, ground->way);
    return (Py_ssize_t)total;
}

/* Write a remembered answer over its query, and count it; its octets. */
static Py_ssize_t write_ready(Loop *self, Ready *ready, uint8_t *slot) {
    char *rest;
    Py_ssize_t rest_octets;
    if (PyBytes_AsStringAndSize(ready->rest, &rest, &rest_octets) < 0)
        return -1;
    if ((size_t)rest_octets + 2 > self->batch.slot_octets) { /* the next slot is another client's */
        PyErr_SetString(PyExc_ValueError, "the answer is longer than its slot");
        return -1;
    }
    memcpy(slot + 2, rest, (size_t)rest_octets);
    ready->hits++;
    count_way(self, ready->way);
    return 2 + rest_octets;
}

/* How long the answer is that is known by the octets: 0 without one, -1 with an error. */
static Py_ssize_t answer_known(Loop *self, PyObject *client, uint8_t *slot, size_t octets, double now_s) {
    PyObject *key = PyBytes_FromStringAndSize((const char *)slot + 2, (Py_ssize_t)octets - 2);
    if (key == NULL)
        return -1;
    Ready *ready = (Ready *)PyDict_GetItemWithError(PyTuple_GetItem(client, 2), key);
    Py_DECREF(key);
    if (ready == NULL)
        return PyErr_Occurred() ? -1 : 0;
    if (!Py_IS_TYPE((PyObject *)ready, self->of->ready)) {
        PyErr_SetString(PyExc_TypeError, "expected a Ready");
        return -1;
    }
    if (ready->until_s <= now_s)
        return 0;
    int may = admitted(self, client, now_s);
    return may == 1 ? write_ready(self, ready, slot) : may;
}

/* How long the answer is that Python made: 0 without one, -1 with an error. */
static Py_ssize_t answer_usually(Loop *self, unsigned number, uint8_t *slot, size_t octets, double now_s) {
    char *wire;
    Py_ssize_t written = 0;
    PyObject *told = PyObject_CallFunction(self->usual, "Ind", number, (Py_ssize_t)octets, now_s);
    if (told == NULL)
        return -1;
    if (Py_IS_TYPE(told, self->of->ready)) {
        written = write_ready(self, (Ready *)told, slot);
    } else if (told != Py_None) {
        if (PyBytes_AsStringAndSize(told, &wire, &written) < 0) {
            written = -1;
        } else if ((size_t)written > self->batch.slot_octets) {
            PyErr_SetString(PyExc_ValueError, "the answer is longer than its slot");
            written = -1;
        } else {
            memcpy(slot, wire, (size_t)written);
        }
    }
    Py_DECREF(told);
    return written;
}

/* What is known of who sent a datagram, as loop.py has it; NULL without an error: nothing. */
static PyObject *client_of(Loop *self, unsigned number) {
    size_t octets;
    const uint8_t *host = datagrams_host(&self->batch, number, &octets);
    PyObject *key = PyBytes_FromStringAndSize((const char *)host, (Py_ssize_t)octets);
    if (key == NULL)
        return NULL;
    PyObject *client = PyDict_GetItemWithError(self->clients, key);
    Py_DECREF(key);
    if (client != NULL && PyTuple_Size(client) != CLIENT_FIELDS)
        return NULL;
    return Py_XNewRef(client);
}

/* How long the answer in the slot is: 0 without one, -1 with an error. */
static Py_ssize_t answer(Loop *self, unsigned number, double now_s) {
    uint8_t *slot = datagrams_slot(&self->batch, number);
    size_t octets = self->batch.received[number].msg_len;
    PyObject *client = client_of(self, number);
    Py_ssize_t written = PyErr_Occurred() ? -1 : 0;
    if (client != NULL && octets >= 2) {
        written = answer_directly(self, client, slot, octets, now_s);
        if (written == 0)
            written = answer_known(self, client, slot, octets, now_s);
    }
    Py_XDECREF(client);
    return written ? written : answer_usually(self, number, slot, octets, now_s);
}

static double now(PyObject *clock) {
    PyObject *told = PyObject_CallNoArgs(clock);
    double now_s = told == NULL ? -1.0 : PyFloat_AsDouble(told);
    Py_XDECREF(told);
    return now_s;
}

/* Have an answer in each slot that gets one; false with an error. */
static int answer_all(Loop *self, unsigned count, double now_s, int *unanswered) {
    datagrams *batch = &self->batch;
    for (unsigned number = 0; number < count; number++) {
        Py_ssize_t octets = answer(self, number, now_s);
        if (octets < 0)
            return 0;
        if (octets > 0)
            datagrams_answer(batch, number, (size_t)octets);
        else
            *unanswered = 1;
    }
    return 1;
}

/* One batch: how many datagrams it had, -1 with an error. */
static int turn_batch(Loop *self, PyObject *clock, int *unanswered) {
    int count = datagrams_receive(&self->batch);
    if (count < 0) {
        if (errno == EAGAIN)
            return 0;
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    double started_s = now(clock);
    if (PyErr_Occurred())
        return -1;
    int answered = answer_all(self, (unsigned)count, started_s, unanswered);
    double duration_s = 0;
    if (answered && self->ways_count) {
        duration_s = now(clock) - started_s;
        answered = !PyErr_Occurred();
    }
    count_durations(self, duration_s);
    if (!answered)
        return -1;
    self->unsent += datagrams_send(&self->batch);
    return count;
}

static PyObject *loop_turn(Loop *self, PyObject *clock) {
    int total = 0, unanswered = 0;
    while (total < DATAGRAMS && !unanswered) {
        int count = turn_batch(self, clock, &unanswered);
        if (count < 0)
            return NULL;
        if (count == 0)
            Py_RETURN_TRUE;
        total += count;
    }
    Py_RETURN_FALSE;
}

/* The direct answers since the last time: (owner, qtype, DO, rcode, octets of query and answer, how many). */
static PyObject *loop_drain(Loop *self, PyObject *unused) {
    (void)unused;
    PyObject *drained = PyList_New(0);
    for (size_t at = 0; drained != NULL && at < TALLIES; at++) {
        const Tally *tally = &self->tallies[at];
        if (tally->hits == 0)
            continue;
        PyObject *told = Py_BuildValue("(OIOIIIK)", tally->owner, tally->qtype, tally->dnssec ? Py_True : Py_False,
                                       tally->rcode, tally->query_octets, tally->answer_octets, tally->hits);
        if (told == NULL || PyList_Append(drained, told) < 0)
            Py_CLEAR(drained);
        Py_XDECREF(told);
    }
    if (drained != NULL)
        forget_tallies(self);
    return drained;
}

static PyMethodDef loop_methods[] = {
    {"drain", (PyCFunction)loop_drain, METH_NOARGS, NULL},
    {"turn", (PyCFunction)loop_turn, METH_O, NULL},
    {0},
};
static PyMemberDef loop_members[] = {
    {"tallied", T_LONGLONG, offsetof(Loop, tallied), READONLY, NULL},
    {"unsent", T_LONGLONG, offsetof(Loop, unsent), 0, NULL},
    {0},
};
static PyType_Slot loop_slots[] = {
    {Py_tp_new, loop_new},
    {Py_tp_dealloc, loop_dealloc},
    {Py_tp_traverse, loop_traverse},
    {Py_tp_clear, loop_clear},
    {Py_tp_methods, loop_methods},
    {Py_tp_members, loop_members},
    {0},
};
static PyType_Spec loop_spec = {
    "splitdns.serve._native.Loop", sizeof(Loop), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, loop_slots,
};

/* --- the module ------------------------------------------------------------------------------------------ */

static int add(PyObject *module, PyType_Spec *spec, PyTypeObject **type) {
    *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    return *type == NULL ? -1 : PyModule_AddType(module, *type);
}

static int execute(PyObject *module) {
    types *of = PyModule_GetState(module);
    PyTypeObject *loop = NULL;
    int failed = add(module, &way_spec, &of->way) < 0 || add(module, &ready_spec, &of->ready) < 0 ||
                 add(module, &limit_spec, &of->limit) < 0 || add(module, &direct_spec, &of->direct) < 0 ||
                 add(module, &loop_spec, &loop) < 0;
    Py_XDECREF((PyObject *)loop);
    return failed ? -1 : 0;
}

static int traverse(PyObject *module, visitproc visit, void *arg) {
    types *of = PyModule_GetState(module);
    Py_VISIT(of->ready);
    Py_VISIT(of->way);
    Py_VISIT(of->limit);
    Py_VISIT(of->direct);
    return 0;
}

static int clear(PyObject *module) {
    types *of = PyModule_GetState(module);
    Py_CLEAR(of->ready);
    Py_CLEAR(of->way);
    Py_CLEAR(of->limit);
    Py_CLEAR(of->direct);
    return 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0}};
static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "_native",
    .m_size = sizeof(types),
    .m_slots = slots,
    .m_traverse = traverse,
    .m_clear = clear,
};

PyMODINIT_FUNC PyInit__native(void) { return PyModuleDef_Init(&definition); }
