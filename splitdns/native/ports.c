/* Sockets that wait for another query: the usual ways of forward/ports.py's take and give_back.
 *
 * The ports are Python's, and whatever is not usual is done there. */
#include "native.h"

#include <string.h>
#include <sys/random.h>

enum { IDLE_BITS = 10, MAX_IDLE = 1 << IDLE_BITS, MAX_QUERIES = 100 };
static const double MAX_AGE_S = 10;

/* --- Page: the kernel's randomness, as in forward/drawing.py --------------------------------------------- */

static PyObject *page_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    (void)kwargs;
    if (!PyArg_ParseTuple(args, ":Page"))
        return NULL;
    Page *self = (Page *)made(type);
    if (self != NULL)
        self->at = PAGE_OCTETS;
    return (PyObject *)self;
}

const uint8_t *page_draw(Page *self, size_t octets) {
    if (octets > PAGE_OCTETS) {
        PyErr_SetString(PyExc_ValueError, "expected less than a page");
        return NULL;
    }
    if (octets > PAGE_OCTETS - self->at) {
        for (size_t filled = 0; filled < PAGE_OCTETS;) {
            ssize_t drawn = getrandom(self->octets + filled, PAGE_OCTETS - filled, 0);
            if (drawn < 0) {
                PyErr_SetFromErrno(PyExc_OSError);
                return NULL;
            }
            filled += (size_t)drawn;
        }
        self->at = 0;
    }
    self->at += octets;
    return self->octets + self->at - octets;
}

static PyObject *page_randbytes(Page *self, PyObject *argument) {
    Py_ssize_t octets = PyLong_AsSsize_t(argument);
    if (octets < 0) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError, "expected how many octets");
        return NULL;
    }
    const uint8_t *drawn = page_draw(self, (size_t)octets);
    return drawn == NULL ? NULL : PyBytes_FromStringAndSize((const char *)drawn, octets);
}

static PyObject *page_forget(Page *self, PyObject *unused) {
    (void)unused;
    self->at = PAGE_OCTETS;
    memset(self->octets, 0, PAGE_OCTETS);
    Py_RETURN_NONE;
}

static PyMethodDef page_methods[] = {
    {"randbytes", (PyCFunction)page_randbytes, METH_O, NULL},
    {"forget", (PyCFunction)page_forget, METH_NOARGS, NULL},
    {0},
};
static PyType_Slot page_slots[] = {
    {Py_tp_new, page_new}, {Py_tp_dealloc, destroy}, {Py_tp_methods, page_methods}, {0},
};
PyType_Spec page_spec = {"splitdns._native.Page", sizeof(Page), 0, Py_TPFLAGS_DEFAULT, page_slots};

/* --- ports ------------------------------------------------------------------------------------------------ */

static double double_of(PyObject *object, PyObject *name) {
    PyObject *found = PyObject_GetAttr(object, name);
    double number = found == NULL ? -1.0 : PyFloat_AsDouble(found);
    Py_XDECREF(found);
    return number;
}

static Py_ssize_t count_of(PyObject *object, PyObject *name) {
    PyObject *found = PyObject_GetAttr(object, name);
    Py_ssize_t count = found == NULL ? -1 : PyLong_AsSsize_t(found);
    Py_XDECREF(found);
    return count;
}

/* Count one more, or less; -1 with an error. */
static int move_count(PyObject *object, PyObject *name, Py_ssize_t by) {
    PyObject *next = PyLong_FromSsize_t(count_of(object, name) + by);
    int moved = next == NULL || PyErr_Occurred() ? -1 : PyObject_SetAttr(object, name, next);
    Py_XDECREF(next);
    return moved;
}

/* A number of IDLE_BITS, drawn at random; -1 with an error. */
static Py_ssize_t draw_idle(types *of, PyObject *ports) {
    PyObject *page = PyObject_GetAttr(ports, of->names[PAGE]);
    if (page == NULL)
        return -1;
    Py_ssize_t drawn = -1;
    if (Py_IS_TYPE(page, of->page)) {
        const uint8_t *octets = page_draw((Page *)page, 2);
        drawn = octets == NULL ? -1 : (octets[0] << 8 | octets[1]) & (MAX_IDLE - 1);
    } else {
        PyObject *random = PyObject_GetAttr(ports, of->names[RANDOM]);
        PyObject *told = random == NULL ? NULL : PyObject_CallMethod(random, "getrandbits", "i", IDLE_BITS);
        drawn = told == NULL ? -1 : PyLong_AsSsize_t(told);
        Py_XDECREF(random);
        Py_XDECREF(told);
    }
    Py_DECREF(page);
    return drawn;
}

/* Take one out of a list, the last of which takes its place; NULL with an error. */
static PyObject *take_out_of(PyObject *list, Py_ssize_t at) {
    Py_ssize_t last = PyList_Size(list) - 1;
    PyObject *taken = Py_XNewRef(PyList_GetItem(list, at)), *moved = Py_XNewRef(PyList_GetItem(list, last));
    if (taken == NULL || moved == NULL || PyList_SetItem(list, at, moved) < 0 ||
        PyList_SetSlice(list, last, last + 1, NULL) < 0)
        Py_CLEAR(taken);
    return taken;
}

/* An idle port that may still be used; NULL without an error: there is none, or another is drawn. */
static PyObject *take_idle(types *of, PyObject *ports, PyObject *upstream, double now_s) {
    PyObject *idle = PyObject_GetAttr(ports, of->names[IDLE]), *port = NULL;
    PyObject *list = idle == NULL ? NULL : Py_XNewRef(PyDict_GetItemWithError(idle, upstream));
    Py_ssize_t drawn = -1, count = list == NULL ? 0 : PyList_Size(list);
    if (count > 0)
        drawn = draw_idle(of, ports);
    if (drawn >= 0 && drawn < count && move_count(ports, of->names[IDLE_COUNT], -1) == 0)
        port = take_out_of(list, drawn);
    Py_XDECREF(idle);
    Py_XDECREF(list);
    if (port == NULL)
        return NULL;
    double opened_s = double_of(port, of->names[OPENED_S]);
    if (PyErr_Occurred() || (opened_s + MAX_AGE_S > now_s && move_count(port, of->names[ASKED], 1) < 0)) {
        Py_CLEAR(port);
    } else if (opened_s + MAX_AGE_S <= now_s) {
        Py_XDECREF(PyObject_CallMethod(ports, "drop", "O", port));
        Py_CLEAR(port);
    }
    return port;
}

PyObject *take_port(types *of, PyObject *ports, PyObject *upstream, double now_s) {
    PyObject *port = take_idle(of, ports, upstream, now_s);
    return port != NULL || PyErr_Occurred() ? port : PyObject_CallMethod(ports, "open", "Od", upstream, now_s);
}

/* Whether a port may be kept the usual way; -1 with an error. */
static int is_usual(types *of, PyObject *ports, PyObject *port, PyObject *readers, double now_s) {
    PyObject *closed = PyObject_GetAttr(readers, of->names[CLOSED]);
    PyObject *sweeping = PyObject_GetAttr(ports, of->names[SWEEPING]);
    int usual = closed == Py_False && sweeping != NULL && sweeping != Py_None &&
                count_of(port, of->names[ASKED]) < MAX_QUERIES && count_of(ports, of->names[IDLE_COUNT]) < MAX_IDLE &&
                double_of(port, of->names[OPENED_S]) + MAX_AGE_S > now_s;
    Py_XDECREF(closed);
    Py_XDECREF(sweeping);
    return PyErr_Occurred() ? -1 : usual;
}

/* Have what comes to an idle port close it, as readers.add does for who was added; 1, 0: not known, or -1. */
static int watch_for_strays(types *of, PyObject *readers, PyObject *port) {
    PyObject *callbacks = PyObject_GetAttr(readers, of->names[CALLBACKS]);
    PyObject *descriptor = PyObject_GetAttr(port, of->names[DESCRIPTOR]);
    PyObject *stray = PyObject_GetAttr(port, of->names[STRAY]);
    int watched = -1;
    if (callbacks != NULL && descriptor != NULL && stray != NULL)
        watched = PyDict_Contains(callbacks, descriptor);
    if (watched == 1 && PyDict_SetItem(callbacks, descriptor, stray) < 0)
        watched = -1;
    Py_XDECREF(callbacks);
    Py_XDECREF(descriptor);
    Py_XDECREF(stray);
    return watched;
}

/* Keep a port; 1, 0: not the usual way, or -1 with an error. */
static int keep(types *of, PyObject *ports, PyObject *port, double now_s) {
    PyObject *readers = PyObject_GetAttr(ports, of->names[READERS]), *idle = PyObject_GetAttr(ports, of->names[IDLE]);
    PyObject *upstream = PyObject_GetAttr(port, of->names[UPSTREAM]), *list = NULL;
    int kept = readers == NULL || upstream == NULL || idle == NULL ? -1 : is_usual(of, ports, port, readers, now_s);
    if (kept == 1 && (list = Py_XNewRef(PyDict_GetItemWithError(idle, upstream))) == NULL)
        kept = PyErr_Occurred() ? -1 : 0;
    if (kept == 1)
        kept = watch_for_strays(of, readers, port);
    if (kept == 1 && (PyList_Append(list, port) < 0 || move_count(ports, of->names[IDLE_COUNT], 1) < 0))
        kept = -1;
    Py_XDECREF(readers);
    Py_XDECREF(idle);
    Py_XDECREF(upstream);
    Py_XDECREF(list);
    return kept;
}

int give_port_back(types *of, PyObject *ports, PyObject *port, double now_s) {
    int kept = keep(of, ports, port, now_s);
    if (kept)
        return kept < 0 ? -1 : 0;
    PyObject *told = PyObject_CallMethod(ports, "see_to", "Od", port, now_s);
    Py_XDECREF(told);
    return told == NULL ? -1 : 0;
}

PyObject *take(PyObject *module, PyObject *args) {
    PyObject *ports, *upstream;
    double now_s;
    if (!PyArg_ParseTuple(args, "OOd:take", &ports, &upstream, &now_s))
        return NULL;
    return take_port(PyModule_GetState(module), ports, upstream, now_s);
}

PyObject *give_back(PyObject *module, PyObject *args) {
    PyObject *ports, *port;
    double now_s;
    if (!PyArg_ParseTuple(args, "OOd:give_back", &ports, &port, &now_s) ||
        give_port_back(PyModule_GetState(module), ports, port, now_s) < 0)
        return NULL;
    Py_RETURN_NONE;
}
