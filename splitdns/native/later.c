/* Answers that leave later than the batch that brought their queries: Batch.send_back, without copies. */
#include "native.h"

#include <string.h>

enum { CONTROL_OCTETS = 64 }; /* the most that a datagram has, as in batch.py */

typedef struct {
    PyObject_HEAD
    datagrams batch;
    _Alignas(8) uint8_t controls[DATAGRAMS][CONTROL_OCTETS];
} Later;

static PyObject *later_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    int fd, of_ipv6;
    Py_ssize_t control_octets;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "ipn:Later", &fd, &of_ipv6, &control_octets))
        return NULL;
    if (control_octets < 0 || control_octets > CONTROL_OCTETS) {
        PyErr_SetString(PyExc_ValueError, "expected room for a control message");
        return NULL;
    }
    Later *self = (Later *)made(type);
    if (self == NULL)
        return NULL;
    datagrams_open(&self->batch, fd, of_ipv6, (size_t)control_octets);
    return (PyObject *)self;
}

/* Note an answer, and where it goes back to: (octets, (name, control message, its octets)); 0 with an error. */
static int note(Later *self, PyObject *entry) {
    PyObject *answer, *name, *control;
    Py_ssize_t octets;
    if (!PyArg_ParseTuple(entry, "S(SSn)", &answer, &name, &control, &octets))
        return 0;
    size_t control_octets = (size_t)PyBytes_Size(control);
    if (control_octets > self->batch.control_octets || octets < 0 || (size_t)octets > control_octets) {
        PyErr_SetString(PyExc_ValueError, "expected a control message");
        return 0;
    }
    uint8_t *put_at = self->controls[self->batch.answers_count];
    memcpy(put_at, PyBytes_AsString(control), control_octets);
    struct msghdr back = {
        .msg_name = PyBytes_AsString(name),
        .msg_namelen = (socklen_t)PyBytes_Size(name),
        .msg_control = octets ? put_at : NULL,
        .msg_controllen = (size_t)octets,
    };
    datagrams_note(&self->batch, &back, PyBytes_AsString(answer), (size_t)PyBytes_Size(answer));
    return 1;
}

static unsigned flush(Later *self) {
    unsigned lost = datagrams_send(&self->batch);
    self->batch.answers_count = 0;
    return lost;
}

static PyObject *later_send(Later *self, PyObject *unsent) {
    unsigned long lost = 0;
    if (!PyList_Check(unsent)) {
        PyErr_SetString(PyExc_TypeError, "expected a list");
        return NULL;
    }
    for (Py_ssize_t at = 0; at < PyList_Size(unsent); at++) {
        if (!note(self, PyList_GetItem(unsent, at))) {
            self->batch.answers_count = 0;
            return NULL;
        }
        if (self->batch.answers_count == DATAGRAMS)
            lost += flush(self);
    }
    return PyLong_FromUnsignedLong(lost + flush(self));
}

static PyMethodDef later_methods[] = {
    {"send", (PyCFunction)later_send, METH_O, NULL},
    {0},
};
static PyType_Slot later_slots[] = {
    {Py_tp_new, later_new}, {Py_tp_dealloc, destroy}, {Py_tp_methods, later_methods}, {0},
};
PyType_Spec later_spec = {"splitdns._native.Later", sizeof(Later), 0, Py_TPFLAGS_DEFAULT, later_slots};
