/* What a flight brought, learnt: the usual way of forward/forwarder.py's Forwarder.learn.
 *
 * Usual is a reply that cache.c keeps, where nothing was forgotten since the flight took off, and nothing failed of
 * late. */
#include "native.h"

/* What all flights of one worker have in common. */
typedef struct {
    PyObject_HEAD
    PyObject *module; /* whose state `of` is */
    types *of;
    PyObject *forwarder, *learn, *failures, *cache, *clock, *reply, *entry;
} Learning;

/* Who is told what one of them brought. */
typedef struct {
    PyObject_HEAD
    Learning *all;
    PyObject *key, *flushes, *landed;
} Learner;

/* Whether nothing stands in the way of the usual one; -1 with an error. */
static int is_usual(Learner *self, PyObject *outcome) {
    Learning *all = self->all;
    if ((PyObject *)Py_TYPE(outcome) != all->reply)
        return 0;
    PyObject *flushes = PyObject_GetAttr(all->forwarder, all->of->names[FLUSHES]);
    PyObject *failed = PyObject_GetAttr(all->failures, all->of->names[KEPT]);
    int usual = flushes == NULL || failed == NULL ? -1 : PyObject_RichCompareBool(flushes, self->flushes, Py_EQ);
    if (usual == 1)
        usual = PyDict_Size(failed) == 0;
    Py_XDECREF(flushes);
    Py_XDECREF(failed);
    return usual;
}

/* Keep a reply; 0: it is not usual, and nothing was done, -1: an error. */
static int keep(Learner *self, PyObject *outcome) {
    Learning *all = self->all;
    PyObject *now_s = PyObject_CallNoArgs(all->clock);
    if (now_s == NULL)
        return -1;
    PyObject *args[] = {all->cache, self->key, outcome, now_s, all->entry};
    PyObject *told = keep_reply(all->module, args, sizeof args / sizeof *args);
    int kept = told == NULL ? -1 : told == Py_True;
    Py_XDECREF(told);
    Py_DECREF(now_s);
    return kept;
}

/* The exception that is set, which is no more. */
static PyObject *caught(void) {
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return error;
}

static PyObject *learner_call(Learner *self, PyObject *args, PyObject *kwargs) {
    PyObject *outcome;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "O:learn", &outcome))
        return NULL;
    int done = is_usual(self, outcome);
    if (done == 1)
        done = keep(self, outcome);
    if (done == 0)
        return PyObject_CallFunctionObjArgs(self->all->learn, self->key, self->flushes, self->landed, outcome, NULL);
    PyObject *error = done < 0 ? caught() : NULL; /* a bug is for whoever asked */
    PyObject *told = PyObject_CallFunctionObjArgs(self->landed, error == NULL ? outcome : error, NULL);
    Py_XDECREF(error);
    return told;
}

static int learner_traverse(Learner *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE((PyObject *)self));
    Py_VISIT((PyObject *)self->all);
    Py_VISIT(self->key);
    Py_VISIT(self->landed);
    return 0;
}

static int learner_clear(Learner *self) {
    Py_CLEAR(self->landed);
    return 0;
}

static void learner_dealloc(Learner *self) {
    PyObject_GC_UnTrack(self);
    learner_clear(self);
    Py_CLEAR(self->key);
    Py_CLEAR(self->flushes);
    PyObject *all = (PyObject *)self->all;
    self->all = NULL;
    Py_XDECREF(all);
    destroy((PyObject *)self);
}

static PyType_Slot learner_slots[] = {
    {Py_tp_dealloc, learner_dealloc},
    {Py_tp_traverse, learner_traverse},
    {Py_tp_clear, learner_clear},
    {Py_tp_call, learner_call},
    {0},
};
PyType_Spec learner_spec = {
    "splitdns._native.Learner", sizeof(Learner), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, learner_slots,
};

/* --- Learning: what makes them ---------------------------------------------------------------------------- */

static PyObject *learning_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *forwarder, *learn, *failures, *cache, *clock, *reply, *entry;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "OOOOOOO:Learning", &forwarder, &learn, &failures, &cache, &clock, &reply, &entry))
        return NULL;
    Learning *self = (Learning *)made(type);
    if (self == NULL)
        return NULL;
    self->module = Py_XNewRef(PyType_GetModule(type));
    self->of = PyType_GetModuleState(type);
    self->forwarder = Py_NewRef(forwarder);
    self->learn = Py_NewRef(learn);
    self->failures = Py_NewRef(failures);
    self->cache = Py_NewRef(cache);
    self->clock = Py_NewRef(clock);
    self->reply = Py_NewRef(reply);
    self->entry = Py_NewRef(entry);
    if (self->of == NULL)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static PyObject *learning_learner(Learning *self, PyObject *const *args, Py_ssize_t count) {
    if (count != 3) {
        PyErr_SetString(PyExc_TypeError, "expected a key, how often all was forgotten, and who has landed");
        return NULL;
    }
    Learner *learner = (Learner *)made(self->of->learner);
    if (learner == NULL)
        return NULL;
    learner->all = (Learning *)Py_NewRef((PyObject *)self);
    learner->key = Py_NewRef(args[0]);
    learner->flushes = Py_NewRef(args[1]);
    learner->landed = Py_NewRef(args[2]);
    return (PyObject *)learner;
}

static int learning_traverse(Learning *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE((PyObject *)self));
    for (PyObject **each = &self->forwarder; each <= &self->entry; each++)
        Py_VISIT(*each);
    Py_VISIT(self->module);
    return 0;
}

static int learning_clear(Learning *self) {
    for (PyObject **each = &self->forwarder; each <= &self->entry; each++)
        Py_CLEAR(*each);
    return 0;
}

static void learning_dealloc(Learning *self) {
    PyObject_GC_UnTrack(self);
    learning_clear(self);
    Py_CLEAR(self->module);
    destroy((PyObject *)self);
}

static PyMethodDef learning_methods[] = {
    {"learner", (PyCFunction)(void (*)(void))learning_learner, METH_FASTCALL, NULL},
    {0},
};
static PyType_Slot learning_slots[] = {
    {Py_tp_new, learning_new},
    {Py_tp_dealloc, learning_dealloc},
    {Py_tp_traverse, learning_traverse},
    {Py_tp_clear, learning_clear},
    {Py_tp_methods, learning_methods},
    {0},
};
PyType_Spec learning_spec = {
    "splitdns._native.Learning", sizeof(Learning), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, learning_slots,
};
