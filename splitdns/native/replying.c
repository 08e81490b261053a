/* An upstream's reply for a question that passed: the usual way of serve/pipeline.py's Pipeline.go_on.
 *
 * Usual is that the reply goes to the client as it stands, and that no queries are logged. */
#include "native.h"

enum { WIRE, CLIENT, TRANSPORT, SERVER, STARTED, MANNERS, MATCH, KEY, ASKED_FIELDS }; /* of pipeline.Asked */
enum { KEY_VIEW, KEY_UPSTREAMS, KEY_NAME, KEY_TYPE, KEY_DO };                         /* of cache.Key */

/* What all queries of one pipeline have in common. */
typedef struct {
    PyObject_HEAD
    PyObject *module; /* whose state `of` is */
    types *of;
    PyObject *pipeline, *go_on, *clock, *request, *reply, *zone, *plugin;
} Replying;

/* Who waits for one reply. */
typedef struct {
    PyObject_HEAD
    Replying *all;
    PyObject *pending, *done;
} Replier;

static PyObject *attribute(Replier *self, PyObject *object, int name) {
    return PyObject_GetAttr(object, self->all->of->names[name]);
}

/* Whether the reply may be told without a closer look; -1 with an error. */
static int is_usual(Replier *self, PyObject *reply, PyObject *passing) {
    if (passing == Py_None || (PyObject *)Py_TYPE(reply) != self->all->reply)
        return 0;
    PyObject *log = attribute(self, self->all->pipeline, QUERY_LOG);
    Py_XDECREF(log);
    return log == NULL ? -1 : log == Py_None;
}

/* Count the answer; -1 with an error. */
static int count(Replier *self, PyObject *asked, PyObject *question, PyObject *reply, PyObject *answer) {
    PyObject *client = PyTuple_GetItem(asked, CLIENT), *now = PyObject_CallNoArgs(self->all->clock);
    Py_ssize_t colon = PyUnicode_FindChar(client, ':', 0, PyUnicode_GetLength(client), 1);
    PyObject *duration = now == NULL ? NULL : PyNumber_Subtract(now, PyTuple_GetItem(asked, STARTED));
    PyObject *family = PyLong_FromLong(colon >= 0 ? 2 : 1), *rcode = attribute(self, reply, RCODE);
    PyObject *query_octets = PyLong_FromSsize_t(PyBytes_Size(PyTuple_GetItem(asked, WIRE)));
    PyObject *octets = PyLong_FromSsize_t(PyBytes_Size(answer)), *told = NULL;
    if (!PyErr_Occurred())
        told = PyObject_CallFunctionObjArgs(
            self->all->request, PyTuple_GetItem(asked, SERVER), self->all->zone, PyTuple_GetItem(question, KEY_VIEW),
            PyTuple_GetItem(asked, TRANSPORT), family, PyTuple_GetItem(question, KEY_TYPE),
            PyTuple_GetItem(question, KEY_DO), rcode, self->all->plugin, query_octets, octets, duration, NULL);
    Py_XDECREF(now);
    Py_XDECREF(duration);
    Py_XDECREF(family);
    Py_XDECREF(rcode);
    Py_XDECREF(query_octets);
    Py_XDECREF(octets);
    Py_XDECREF(told);
    return told == NULL ? -1 : 0;
}

/* The answer that passes, counted; None: it takes a decision, NULL: an error. */
static PyObject *passed(Replier *self, PyObject *reply, PyObject *passing) {
    PyObject *asked = attribute(self, self->pending, ASKED), *question = attribute(self, self->pending, QUESTION);
    PyObject *answer = NULL;
    if (asked != NULL && question != NULL && PyTuple_Size(asked) >= ASKED_FIELDS && PyTuple_Size(question) > KEY_DO)
        answer = PyObject_CallMethodObjArgs(passing, self->all->of->names[ENCODED], reply,
                                            PyTuple_GetItem(asked, WIRE), PyTuple_GetItem(asked, KEY), NULL);
    if (answer != NULL && answer != Py_None && count(self, asked, question, reply, answer) < 0)
        Py_CLEAR(answer);
    Py_XDECREF(asked);
    Py_XDECREF(question);
    return answer;
}

static PyObject *replier_call(Replier *self, PyObject *args, PyObject *kwargs) {
    PyObject *reply, *answer = NULL;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "O:go_on", &reply))
        return NULL;
    PyObject *passing = attribute(self, self->pending, PASSING);
    if (passing != NULL && is_usual(self, reply, passing) == 1)
        answer = passed(self, reply, passing);
    Py_XDECREF(passing);
    PyErr_Clear(); /* it happens again, where it is told */
    PyObject *told = answer == NULL || answer == Py_None
                         ? PyObject_CallFunctionObjArgs(self->all->go_on, self->pending, self->done, reply, NULL)
                         : PyObject_CallFunctionObjArgs(self->done, answer, NULL);
    Py_XDECREF(answer);
    return told;
}

static int replier_traverse(Replier *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE((PyObject *)self));
    Py_VISIT((PyObject *)self->all);
    Py_VISIT(self->pending);
    Py_VISIT(self->done);
    return 0;
}

static int replier_clear(Replier *self) {
    Py_CLEAR(self->pending);
    Py_CLEAR(self->done);
    return 0;
}

static void replier_dealloc(Replier *self) {
    PyObject_GC_UnTrack(self);
    replier_clear(self);
    PyObject *all = (PyObject *)self->all;
    self->all = NULL;
    Py_XDECREF(all);
    destroy((PyObject *)self);
}

static PyType_Slot replier_slots[] = {
    {Py_tp_dealloc, replier_dealloc},
    {Py_tp_traverse, replier_traverse},
    {Py_tp_clear, replier_clear},
    {Py_tp_call, replier_call},
    {0},
};
PyType_Spec replier_spec = {
    "splitdns._native.Replier", sizeof(Replier), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, replier_slots,
};

/* --- Replying: what makes them ---------------------------------------------------------------------------- */

static PyObject *replying_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *pipeline, *go_on, *clock, *request, *reply, *zone, *plugin;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "OOOOOOO:Replying", &pipeline, &go_on, &clock, &request, &reply, &zone, &plugin))
        return NULL;
    Replying *self = (Replying *)made(type);
    if (self == NULL)
        return NULL;
    self->module = Py_XNewRef(PyType_GetModule(type));
    self->of = PyType_GetModuleState(type);
    self->pipeline = Py_NewRef(pipeline);
    self->go_on = Py_NewRef(go_on);
    self->clock = Py_NewRef(clock);
    self->request = Py_NewRef(request);
    self->reply = Py_NewRef(reply);
    self->zone = Py_NewRef(zone);
    self->plugin = Py_NewRef(plugin);
    if (self->of == NULL)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static PyObject *replying_replier(Replying *self, PyObject *const *args, Py_ssize_t count) {
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "expected what is pending, and who waits for it");
        return NULL;
    }
    Replier *replier = (Replier *)made(self->of->replier);
    if (replier == NULL)
        return NULL;
    replier->all = (Replying *)Py_NewRef((PyObject *)self);
    replier->pending = Py_NewRef(args[0]);
    replier->done = Py_NewRef(args[1]);
    return (PyObject *)replier;
}

static int replying_traverse(Replying *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE((PyObject *)self));
    Py_VISIT(self->module);
    for (PyObject **each = &self->pipeline; each <= &self->plugin; each++)
        Py_VISIT(*each);
    return 0;
}

static int replying_clear(Replying *self) {
    for (PyObject **each = &self->pipeline; each <= &self->plugin; each++)
        Py_CLEAR(*each);
    return 0;
}

static void replying_dealloc(Replying *self) {
    PyObject_GC_UnTrack(self);
    replying_clear(self);
    Py_CLEAR(self->module);
    destroy((PyObject *)self);
}

static PyMethodDef replying_methods[] = {
    {"replier", (PyCFunction)(void (*)(void))replying_replier, METH_FASTCALL, NULL},
    {0},
};
static PyType_Slot replying_slots[] = {
    {Py_tp_new, replying_new},
    {Py_tp_dealloc, replying_dealloc},
    {Py_tp_traverse, replying_traverse},
    {Py_tp_clear, replying_clear},
    {Py_tp_methods, replying_methods},
    {0},
};
PyType_Spec replying_spec = {
    "splitdns._native.Replying", sizeof(Replying), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, replying_slots,
};
