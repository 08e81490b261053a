/* A view and its zones, as answer/direct.py laid them out for direct.c. */
#include "native.h"

#include <string.h>

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

PyObject *denial(const direct_answer *answer, const uint8_t *query) {
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
PyType_Spec direct_spec = {
    "splitdns._native.Direct", sizeof(Direct), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, direct_slots,
};
