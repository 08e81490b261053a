/* Answers that are known by their octets, and what they are counted and limited by. */
#include "native.h"

/* --- Way: what durations are counted by ----------------------------------------------------------------- */

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
PyType_Spec way_spec = {"splitdns._native.Way", sizeof(Way), 0, Py_TPFLAGS_DEFAULT, way_slots};

/* --- Ready: an answer to certain octets ----------------------------------------------------------------- */

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
    return PyObject_CallMethod(self->tag, "count", "L", hits);
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
PyType_Spec ready_spec = {
    "splitdns._native.Ready", sizeof(Ready), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, ready_slots,
};

/* --- Limit: Buckets.take of answer/limits.py, on the same array ------------------------------------------ */

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

int limit_takes(Limit *self, Py_ssize_t slot, double now_s) {
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
PyType_Spec limit_spec = {"splitdns._native.Limit", sizeof(Limit), 0, Py_TPFLAGS_DEFAULT, limit_slots};
