/* Questions on their way: the usual ways of forward/flights.py, in its tables. */
#include "native.h"

enum { MAX_FLIGHTS_PER_NAME = 32, KEY_NAME = 2 }; /* as in flights.py; which field of a key */

typedef struct {
    PyObject_HEAD
    PyObject *module; /* whose state `of` is */
    types *of;
    PyObject *flights, *key, *flying, *ended;
    PyObject *waits; /* a dict of Waits */
    double started_s;
} Flight;

typedef struct {
    PyObject_HEAD
    PyObject *flight, *client, *done, *timer;
} Wait;

static PyObject *attribute(types *of, PyObject *object, int name) { return PyObject_GetAttr(object, of->names[name]); }

static Py_ssize_t number_of(PyObject *object, PyObject *name) {
    PyObject *found = PyObject_GetAttr(object, name);
    Py_ssize_t number = found == NULL ? -1 : PyLong_AsSsize_t(found);
    Py_XDECREF(found);
    return number;
}

/* Add to the number that a dict has for a key, which goes when it is 0; -1 with an error. */
static int add_to(PyObject *dict, PyObject *key, long by) {
    PyObject *found = PyDict_GetItemWithError(dict, key);
    long next = by + (found == NULL ? 0 : PyLong_AsLong(found));
    if (PyErr_Occurred())
        return -1;
    if (next <= 0)
        return found == NULL ? 0 : PyDict_DelItem(dict, key);
    PyObject *number = PyLong_FromLong(next);
    int set = number == NULL ? -1 : PyDict_SetItem(dict, key, number);
    Py_XDECREF(number);
    return set;
}

/* --- a flight begins -------------------------------------------------------------------------------------- */

/* Whether one more may begin without a closer look; -1 with an error. */
static int may_begin(types *of, PyObject *flights, PyObject *table, PyObject *names, PyObject *name) {
    PyObject *closed = attribute(of, flights, CLOSED), *count = PyDict_GetItemWithError(names, name);
    long of_name = count == NULL ? 0 : PyLong_AsLong(count);
    int may = closed == Py_False && of_name < MAX_FLIGHTS_PER_NAME &&
              PyDict_Size(table) < number_of(flights, of->names[MAX_FLIGHTS]);
    Py_XDECREF(closed);
    return PyErr_Occurred() ? -1 : may;
}

static Flight *new_flight(PyObject *module, types *of, PyObject *flights, PyObject *key) {
    PyObject *clock = attribute(of, flights, CLOCK), *now = clock == NULL ? NULL : PyObject_CallNoArgs(clock);
    double now_s = now == NULL ? -1.0 : PyFloat_AsDouble(now);
    Py_XDECREF(clock);
    Py_XDECREF(now);
    Flight *flight = PyErr_Occurred() ? NULL : (Flight *)made(of->flight);
    if (flight == NULL)
        return NULL;
    flight->module = Py_NewRef(module);
    flight->of = of;
    flight->flights = Py_NewRef(flights);
    flight->key = Py_NewRef(key);
    flight->started_s = now_s;
    if ((flight->waits = PyDict_New()) == NULL)
        Py_CLEAR(flight);
    return flight;
}

/* Have it fly; -1 with an error, after which it has landed. */
static int take_off(Flight *flight) {
    PyObject *fly = attribute(flight->of, flight->flights, FLY);
    flight->flying = fly == NULL ? NULL : PyObject_CallFunctionObjArgs(fly, flight->key, (PyObject *)flight, NULL);
    Py_XDECREF(fly);
    if (flight->flying != NULL)
        return 0;
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyObject *landed = PyObject_CallMethod(flight->flights, "land", "O", flight);
    if (landed == NULL)
        PyErr_Clear();
    Py_XDECREF(landed);
    PyErr_Restore(type, error, traceback);
    return -1;
}

/* As Flights.begin; None: it takes a closer look. */
PyObject *begin_flight(PyObject *module, PyObject *args) {
    types *of = PyModule_GetState(module);
    PyObject *flights, *key;
    if (!PyArg_ParseTuple(args, "OO!:begin_flight", &flights, &PyTuple_Type, &key))
        return NULL;
    PyObject *table = attribute(of, flights, FLIGHTS), *names = attribute(of, flights, FLIGHT_NAMES);
    PyObject *name = PyTuple_GetItem(key, KEY_NAME), *found = NULL;
    if (table != NULL && names != NULL && name != NULL && !PyErr_Occurred())
        found = Py_XNewRef(PyDict_GetItemWithError(table, key));
    if (found == NULL && !PyErr_Occurred()) {
        int may = may_begin(of, flights, table, names, name);
        if (may == 0)
            found = Py_NewRef(Py_None);
        else if (may == 1 && (found = (PyObject *)new_flight(module, of, flights, key)) != NULL &&
                 (PyDict_SetItem(table, key, found) < 0 || add_to(names, name, 1) < 0 || take_off((Flight *)found) < 0))
            Py_CLEAR(found);
    }
    Py_XDECREF(table);
    Py_XDECREF(names);
    return found;
}

/* --- somebody waits --------------------------------------------------------------------------------------- */

/* The waits of a client, which may be new; NULL with an error. */
static PyObject *waits_of(PyObject *clients, PyObject *client) {
    PyObject *waits = Py_XNewRef(PyDict_GetItemWithError(clients, client));
    if (waits != NULL || PyErr_Occurred())
        return waits;
    waits = PyDict_New();
    if (waits != NULL && PyDict_SetItem(clients, client, waits) < 0)
        Py_CLEAR(waits);
    return waits;
}

/* As Flights.wait without a time, for the first who waits; whether it was that. */
PyObject *begin_wait(PyObject *module, PyObject *args) {
    types *of = PyModule_GetState(module);
    PyObject *flights, *flight, *client, *done;
    if (!PyArg_ParseTuple(args, "OOOO:begin_wait", &flights, &flight, &client, &done))
        return NULL;
    if (!Py_IS_TYPE(flight, of->flight) || PyDict_Size(((Flight *)flight)->waits))
        Py_RETURN_FALSE;
    PyObject *clients = attribute(of, flights, CLIENTS), *waits = clients == NULL ? NULL : waits_of(clients, client);
    Py_ssize_t limit = number_of(flights, of->names[MAX_WAITS]);
    Wait *wait = waits == NULL || PyErr_Occurred() ? NULL : (Wait *)made(of->wait);
    int failed = wait == NULL;
    if (!failed) {
        wait->flight = Py_NewRef(flight);
        wait->client = Py_NewRef(client);
        wait->done = Py_NewRef(done);
        failed = PyDict_SetItem(waits, (PyObject *)wait, Py_None) < 0 ||
                 PyDict_SetItem(((Flight *)flight)->waits, (PyObject *)wait, Py_None) < 0;
    }
    if (!failed && PyDict_Size(waits) > limit) {
        PyObject *dropped = PyObject_CallMethod(flights, "drop_oldest_of", "O", waits);
        failed = dropped == NULL;
        Py_XDECREF(dropped);
    }
    Py_XDECREF(clients);
    Py_XDECREF(waits);
    Py_XDECREF((PyObject *)wait);
    return failed ? NULL : Py_NewRef(Py_True);
}

/* --- a flight lands --------------------------------------------------------------------------------------- */

/* Whether nobody else has to be told that it has landed; -1 with an error. */
static int lands_alone(Flight *flight) {
    PyObject *empty = attribute(flight->of, flight->flights, EMPTY);
    int alone = empty == NULL ? -1 : empty == Py_None && (flight->ended == NULL || flight->ended == Py_None);
    Py_XDECREF(empty);
    return alone;
}

/* Take it out of the tables, if it is there still; -1 with an error. */
static int land_flight(Flight *flight) {
    PyObject *table = attribute(flight->of, flight->flights, FLIGHTS);
    PyObject *names = attribute(flight->of, flight->flights, FLIGHT_NAMES);
    int landed = -1;
    if (table != NULL && names != NULL) {
        int is_there = PyDict_GetItemWithError(table, flight->key) == (PyObject *)flight;
        landed = PyErr_Occurred() ? -1 : 0;
        if (landed == 0 && is_there)
            landed = PyDict_DelItem(table, flight->key) < 0 ? -1
                                                            : add_to(names, PyTuple_GetItem(flight->key, KEY_NAME), -1);
    }
    Py_XDECREF(table);
    Py_XDECREF(names);
    return landed;
}

/* Forget a wait, and tell who waited; -1 with an error. */
static int end_wait(Flight *flight, PyObject *clients, Wait *wait, PyObject *outcome) {
    if (wait->timer != NULL && wait->timer != Py_None) {
        PyObject *cancelled = PyObject_CallMethod(wait->timer, "cancel", NULL);
        if (cancelled == NULL)
            return -1;
        Py_DECREF(cancelled);
    }
    PyObject *waits = PyDict_GetItemWithError(clients, wait->client);
    if (waits == NULL || PyDict_DelItem(flight->waits, (PyObject *)wait) < 0 ||
        PyDict_DelItem(waits, (PyObject *)wait) < 0 ||
        (PyDict_Size(waits) == 0 && PyDict_DelItem(clients, wait->client) < 0))
        return -1;
    PyObject *told = PyObject_CallFunctionObjArgs(wait->done, outcome, NULL);
    Py_XDECREF(told);
    return told == NULL ? -1 : 0;
}

static int end_waits(Flight *flight, PyObject *outcome) {
    PyObject *clients = attribute(flight->of, flight->flights, CLIENTS);
    PyObject *waits = clients == NULL ? NULL : PyDict_Keys(flight->waits);
    int ended = waits == NULL ? -1 : 0;
    for (Py_ssize_t at = 0; ended == 0 && at < PyList_Size(waits); at++) {
        PyObject *wait = PyList_GetItem(waits, at);
        if (Py_IS_TYPE(wait, flight->of->wait)) {
            ended = end_wait(flight, clients, (Wait *)wait, outcome);
        } else {
            PyObject *told = PyObject_CallMethod(flight->flights, "end", "OO", wait, outcome);
            ended = told == NULL ? -1 : 0;
            Py_XDECREF(told);
        }
    }
    Py_XDECREF(clients);
    Py_XDECREF(waits);
    return ended;
}

/* What it comes to is told to the flight itself. */
static PyObject *flight_call(Flight *self, PyObject *args, PyObject *kwargs) {
    PyObject *outcome;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "O:landed", &outcome))
        return NULL;
    int alone = lands_alone(self);
    if (alone == 0)
        return PyObject_CallMethod(self->flights, "landed", "OO", self, outcome);
    if (alone < 0 || land_flight(self) < 0 || end_waits(self, outcome) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* --- the types -------------------------------------------------------------------------------------------- */

static int flight_traverse(Flight *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE((PyObject *)self));
    Py_VISIT(self->module);
    Py_VISIT(self->flights);
    Py_VISIT(self->key);
    Py_VISIT(self->flying);
    Py_VISIT(self->ended);
    Py_VISIT(self->waits);
    return 0;
}

static int flight_clear(Flight *self) {
    Py_CLEAR(self->flying);
    Py_CLEAR(self->ended);
    return 0;
}

static void flight_dealloc(Flight *self) {
    PyObject_GC_UnTrack(self);
    flight_clear(self);
    Py_CLEAR(self->flights);
    Py_CLEAR(self->key);
    Py_CLEAR(self->waits);
    Py_CLEAR(self->module);
    destroy((PyObject *)self);
}

static PyMemberDef flight_members[] = {
    {"key", T_OBJECT, offsetof(Flight, key), READONLY, NULL},
    {"started_s", T_DOUBLE, offsetof(Flight, started_s), READONLY, NULL},
    {"flying", T_OBJECT, offsetof(Flight, flying), 0, NULL},
    {"waits", T_OBJECT, offsetof(Flight, waits), READONLY, NULL},
    {"ended", T_OBJECT, offsetof(Flight, ended), 0, NULL},
    {0},
};
static PyType_Slot flight_slots[] = {
    {Py_tp_dealloc, flight_dealloc}, {Py_tp_traverse, flight_traverse}, {Py_tp_clear, flight_clear},
    {Py_tp_call, flight_call},       {Py_tp_members, flight_members},   {0},
};
PyType_Spec flight_spec = {
    "splitdns._native.Flight", sizeof(Flight), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, flight_slots,
};

static int wait_traverse(Wait *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE((PyObject *)self));
    Py_VISIT(self->flight);
    Py_VISIT(self->client);
    Py_VISIT(self->done);
    Py_VISIT(self->timer);
    return 0;
}

static int wait_clear(Wait *self) {
    Py_CLEAR(self->done);
    Py_CLEAR(self->timer);
    return 0;
}

static void wait_dealloc(Wait *self) {
    PyObject_GC_UnTrack(self);
    wait_clear(self);
    Py_CLEAR(self->flight);
    Py_CLEAR(self->client);
    destroy((PyObject *)self);
}

static PyMemberDef wait_members[] = {
    {"flight", T_OBJECT, offsetof(Wait, flight), READONLY, NULL},
    {"client", T_OBJECT, offsetof(Wait, client), READONLY, NULL},
    {"done", T_OBJECT, offsetof(Wait, done), READONLY, NULL},
    {"timer", T_OBJECT, offsetof(Wait, timer), 0, NULL},
    {0},
};
static PyType_Slot wait_slots[] = {
    {Py_tp_dealloc, wait_dealloc}, {Py_tp_traverse, wait_traverse}, {Py_tp_clear, wait_clear},
    {Py_tp_members, wait_members}, {0},
};
PyType_Spec wait_spec = {
    "splitdns._native.Wait", sizeof(Wait), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, wait_slots,
};
