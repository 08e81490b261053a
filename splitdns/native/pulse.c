/* What an upstream has shown of how long it takes: forward/health.py's Pulse, and where that is counted. */
#include "native.h"

#include <math.h>

static const int FAILURES_TO_BE_DOWN = 2;
static const double SHORTEST_WAIT_S = 0.05, PROBE_AFTER_S = 1.0;
static const double GAIN = 0.125, VARIATION_GAIN = 0.25, VARIATIONS = 4;

static PyObject *pulse_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    (void)kwargs;
    if (!PyArg_ParseTuple(args, ":Pulse"))
        return NULL;
    Pulse *self = (Pulse *)made(type);
    if (self != NULL) {
        self->wait_s = PULSE_FIRST_WAIT_S;
        self->heard_s = -HUGE_VAL;
        self->probe_after_s = PROBE_AFTER_S;
    }
    return (PyObject *)self;
}

static void pulse_dealloc(Pulse *self) {
    for (size_t rcode = 0; rcode < RCODES; rcode++)
        Py_CLEAR(self->durations[rcode]);
    destroy((PyObject *)self);
}

void pulse_beats(Pulse *self, double asked_s, double now_s) {
    double trip_s = now_s - asked_s;
    if (self->smoothed_s != 0) {
        double off_s = trip_s - self->smoothed_s;
        self->variation_s += VARIATION_GAIN * (fabs(off_s) - self->variation_s);
        self->smoothed_s += GAIN * off_s;
    } else {
        self->smoothed_s = trip_s;
        self->variation_s = trip_s / 2;
    }
    double wait_s = self->smoothed_s + VARIATIONS * self->variation_s;
    self->wait_s = wait_s > SHORTEST_WAIT_S ? wait_s : SHORTEST_WAIT_S;
    self->heard_s = now_s;
}

static PyObject *pulse_beat(Pulse *self, PyObject *args) {
    double asked_s, now_s;
    if (!PyArg_ParseTuple(args, "dd:beat", &asked_s, &now_s))
        return NULL;
    pulse_beats(self, asked_s, now_s);
    Py_RETURN_NONE;
}

static PyObject *pulse_is_down(Pulse *self, void *unused) {
    (void)unused;
    return PyBool_FromLong(self->failures >= FAILURES_TO_BE_DOWN);
}

static PyMethodDef pulse_methods[] = {
    {"beat", (PyCFunction)pulse_beat, METH_VARARGS, NULL},
    {0},
};
static PyGetSetDef pulse_accessors[] = {
    {"is_down", (getter)pulse_is_down, NULL, NULL, NULL},
    {0},
};
static PyMemberDef pulse_members[] = {
    {"smoothed_s", T_DOUBLE, offsetof(Pulse, smoothed_s), 0, NULL},
    {"variation_s", T_DOUBLE, offsetof(Pulse, variation_s), 0, NULL},
    {"wait_s", T_DOUBLE, offsetof(Pulse, wait_s), 0, NULL},
    {"heard_s", T_DOUBLE, offsetof(Pulse, heard_s), 0, NULL},
    {"failures", T_INT, offsetof(Pulse, failures), 0, NULL},
    {"probe_s", T_DOUBLE, offsetof(Pulse, probe_s), 0, NULL},
    {"probe_after_s", T_DOUBLE, offsetof(Pulse, probe_after_s), 0, NULL},
    {0},
};
static PyType_Slot pulse_slots[] = {
    {Py_tp_new, pulse_new},         {Py_tp_dealloc, pulse_dealloc},   {Py_tp_methods, pulse_methods},
    {Py_tp_getset, pulse_accessors}, {Py_tp_members, pulse_members}, {0},
};
PyType_Spec pulse_spec = {"splitdns._native.Pulse", sizeof(Pulse), 0, Py_TPFLAGS_DEFAULT, pulse_slots};

int observe_in(types *of, PyObject *histogram, Py_ssize_t slot, PyObject *amount) {
    PyObject *slots = PyObject_GetAttr(histogram, of->names[SLOTS]);
    PyObject *total = PyObject_GetAttr(histogram, of->names[TOTAL]);
    PyObject *former = slots == NULL ? NULL : PyList_GetItem(slots, slot);
    PyObject *next = former == NULL ? NULL : PyLong_FromLongLong(PyLong_AsLongLong(former) + 1);
    PyObject *sum = next == NULL || total == NULL ? NULL : PyNumber_Add(total, amount);
    int observed = -1;
    if (sum != NULL && !PyErr_Occurred() && PyList_SetItem(slots, slot, Py_NewRef(next)) == 0)
        observed = PyObject_SetAttr(histogram, of->names[TOTAL], sum);
    Py_XDECREF(slots);
    Py_XDECREF(total);
    Py_XDECREF(next);
    Py_XDECREF(sum);
    return observed;
}

int observe(types *of, PyObject *histogram, const double *bounds_s, Py_ssize_t count, double duration_s) {
    Py_ssize_t slot = 0;
    while (slot < count && bounds_s[slot] < duration_s)
        slot++;
    PyObject *amount = PyFloat_FromDouble(duration_s);
    int observed = amount == NULL ? -1 : observe_in(of, histogram, slot, amount);
    Py_XDECREF(amount);
    return observed;
}
