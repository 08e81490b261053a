/* Requests and their responses, counted: metrics.py's Counts.request, in the same tables. */
#include "native.h"

typedef struct {
    PyObject_HEAD
    PyObject *module; /* whose state `of` is */
    types *of;
    PyObject *requests, *traffic, *traffic_of, *labels, *sizes;
    double bounds_s[MAX_BOUNDS];
    Py_ssize_t bounds_count;
} Requests;

/* The arguments of Counts.request, in their order. */
enum {
    SERVER, ZONE, VIEW, PROTO, FAMILY, QTYPE, DO, REPLY_CODE, PLUGIN, ASKED_OCTETS, TOLD_OCTETS, DURATION,
    ARGUMENTS,
};

static PyObject *requests_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *requests, *traffic, *traffic_of, *labels, *bounds, *sizes;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "O!O!OO!O!S:Requests", &PyDict_Type, &requests, &PyDict_Type, &traffic, &traffic_of,
                          &PyDict_Type, &labels, &PyTuple_Type, &bounds, &sizes))
        return NULL;
    Requests *self = (Requests *)made(type);
    if (self == NULL)
        return NULL;
    self->of = PyType_GetModuleState(type);
    self->module = Py_XNewRef(PyType_GetModule(type));
    self->requests = Py_NewRef(requests);
    self->traffic = Py_NewRef(traffic);
    self->traffic_of = Py_NewRef(traffic_of);
    self->labels = Py_NewRef(labels);
    self->sizes = Py_NewRef(sizes);
    if (self->of == NULL || !read_bounds(bounds, self->bounds_s, &self->bounds_count))
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int requests_traverse(Requests *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE((PyObject *)self));
    Py_VISIT(self->module);
    Py_VISIT(self->requests);
    Py_VISIT(self->traffic);
    Py_VISIT(self->traffic_of);
    Py_VISIT(self->labels);
    return 0;
}

static int requests_clear(Requests *self) {
    Py_CLEAR(self->traffic_of);
    return 0;
}

static void requests_dealloc(Requests *self) {
    PyObject_GC_UnTrack(self);
    requests_clear(self);
    Py_CLEAR(self->requests);
    Py_CLEAR(self->traffic);
    Py_CLEAR(self->labels);
    Py_CLEAR(self->sizes);
    Py_CLEAR(self->module);
    destroy((PyObject *)self);
}

/* Count one more of a kind; 0 with an error. */
static int count_kind(Requests *self, PyObject *const *args) {
    int known = PyDict_Contains(self->labels, args[QTYPE]);
    PyObject *other = known == 0 ? PyLong_FromLong(0) : NULL;
    PyObject *kind = known < 0 ? NULL
                               : PyTuple_Pack(9, args[SERVER], args[ZONE], args[VIEW], args[PROTO], args[FAMILY],
                                              known ? args[QTYPE] : other, args[DO], args[REPLY_CODE], args[PLUGIN]);
    Py_XDECREF(other);
    PyObject *former = kind == NULL ? NULL : PyDict_GetItemWithError(self->requests, kind);
    PyObject *next = PyErr_Occurred() ? NULL : PyLong_FromLongLong(former == NULL ? 1 : PyLong_AsLongLong(former) + 1);
    int counted = next != NULL && PyDict_SetItem(self->requests, kind, next) == 0;
    Py_XDECREF(kind);
    Py_XDECREF(next);
    return counted;
}

/* Where the histograms of such requests are; NULL with an error. */
static PyObject *traffic_of(Requests *self, PyObject *const *args) {
    PyObject *path = PyTuple_Pack(4, args[SERVER], args[ZONE], args[VIEW], args[PROTO]);
    if (path == NULL)
        return NULL;
    PyObject *found = Py_XNewRef(PyDict_GetItemWithError(self->traffic, path));
    if (found == NULL && !PyErr_Occurred())
        found = PyObject_CallObject(self->traffic_of, path);
    Py_DECREF(path);
    return found;
}

/* Put a size into a histogram of sizes; 0 with an error. */
static int count_size(Requests *self, PyObject *traffic, int name, PyObject *octets) {
    Py_ssize_t size = PyLong_AsSsize_t(octets);
    PyObject *histogram = PyObject_GetAttr(traffic, self->of->names[name]);
    int counted = histogram != NULL && !PyErr_Occurred();
    if (counted && (size < 0 || size >= PyBytes_Size(self->sizes))) {
        PyErr_SetString(PyExc_IndexError, "no message is that long");
        counted = 0;
    }
    if (counted)
        counted = observe_in(self->of, histogram, octets_of(self->sizes)[size], octets) == 0;
    Py_XDECREF(histogram);
    return counted;
}

static int count_duration(Requests *self, PyObject *traffic, PyObject *duration) {
    double duration_s = PyFloat_AsDouble(duration);
    PyObject *histogram = PyObject_GetAttr(traffic, self->of->names[DURATIONS]);
    int counted = histogram != NULL && !PyErr_Occurred() &&
                  observe(self->of, histogram, self->bounds_s, self->bounds_count, duration_s) == 0;
    Py_XDECREF(histogram);
    return counted;
}

static PyObject *requests_request(Requests *self, PyObject *const *args, Py_ssize_t count) {
    if (count != ARGUMENTS) {
        PyErr_SetString(PyExc_TypeError, "expected what a request is counted by");
        return NULL;
    }
    PyObject *traffic = count_kind(self, args) ? traffic_of(self, args) : NULL;
    int counted = traffic != NULL && count_size(self, traffic, REQUESTS, args[ASKED_OCTETS]) &&
                  count_size(self, traffic, RESPONSES, args[TOLD_OCTETS]) &&
                  count_duration(self, traffic, args[DURATION]);
    Py_XDECREF(traffic);
    if (!counted)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef requests_methods[] = {
    {"request", (PyCFunction)(void (*)(void))requests_request, METH_FASTCALL, NULL},
    {0},
};
static PyType_Slot requests_slots[] = {
    {Py_tp_new, requests_new},
    {Py_tp_dealloc, requests_dealloc},
    {Py_tp_traverse, requests_traverse},
    {Py_tp_clear, requests_clear},
    {Py_tp_methods, requests_methods},
    {0},
};
PyType_Spec requests_spec = {
    "splitdns._native.Requests", sizeof(Requests), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, requests_slots,
};
