/* What is compiled, as a module of Python. */
#include "native.h"

static const char *const spelled[NAMES] = {
    "client_cookie", "server_cookie", "knows_edns", "descriptor", "sock", "loop",  "rcode",  "answer",
    "edes",          "proof",         "signatures", "denial",     "owner", "rdtype", "ttl_s", "rdatas",
    "idle",          "idle_count",    "sweeping",   "page",       "random", "readers",
    "opened_s",      "asked",         "stray",      "upstream",   "closed", "callbacks",
    "upstreams",     "strategy",      "timeout_s",  "carrier",    "down",
    "as_is_until_s", "without_edns_until_s",
    "flights",       "names",         "clients",    "max_flights", "max_waits", "fly", "clock", "empty",
    "soa", "limits", "min_ttl_s", "max_ttl_s", "max_negative_ttl_s", "counts", "gauges", "octets",
    "cache_size_bytes", "cache_entries", "success",
    "flushes",       "kept",
    "query_log",     "question",      "passing",    "encoded",
    "slots",         "total",         "requests",   "responses",  "durations",
};

static int spell(types *of) {
    for (size_t at = 0; at < NAMES; at++)
        if ((of->names[at] = PyUnicode_InternFromString(spelled[at])) == NULL)
            return -1;
    return 0;
}

static int add(PyObject *module, PyType_Spec *spec, PyTypeObject **type) {
    *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    return *type == NULL ? -1 : PyModule_AddType(module, *type);
}

static int execute(PyObject *module) {
    types *of = PyModule_GetState(module);
    PyTypeObject *loop = NULL, *relays = NULL, *later = NULL, *requests = NULL, *learning = NULL, *replying = NULL;
    int failed = spell(of) < 0 || add(module, &way_spec, &of->way) < 0 || add(module, &ready_spec, &of->ready) < 0 ||
                 add(module, &limit_spec, &of->limit) < 0 || add(module, &direct_spec, &of->direct) < 0 ||
                 add(module, &loop_spec, &loop) < 0 || add(module, &relayed_spec, &of->relayed) < 0 ||
                 add(module, &relays_spec, &relays) < 0 || add(module, &later_spec, &later) < 0 ||
                 add(module, &pulse_spec, &of->pulse) < 0 || add(module, &page_spec, &of->page) < 0 ||
                 add(module, &requests_spec, &requests) < 0 || add(module, &flight_spec, &of->flight) < 0 ||
                 add(module, &wait_spec, &of->wait) < 0 || add(module, &learning_spec, &learning) < 0 ||
                 add(module, &learner_spec, &of->learner) < 0 || add(module, &replying_spec, &replying) < 0 ||
                 add(module, &replier_spec, &of->replier) < 0;
    Py_XDECREF((PyObject *)loop);
    Py_XDECREF((PyObject *)relays);
    Py_XDECREF((PyObject *)later);
    Py_XDECREF((PyObject *)requests);
    Py_XDECREF((PyObject *)learning);
    Py_XDECREF((PyObject *)replying);
    return failed ? -1 : 0;
}

static int traverse(PyObject *module, visitproc visit, void *arg) {
    types *of = PyModule_GetState(module);
    Py_VISIT(of->ready);
    Py_VISIT(of->way);
    Py_VISIT(of->limit);
    Py_VISIT(of->direct);
    Py_VISIT(of->relayed);
    Py_VISIT(of->pulse);
    Py_VISIT(of->page);
    Py_VISIT(of->flight);
    Py_VISIT(of->wait);
    Py_VISIT(of->learner);
    Py_VISIT(of->replier);
    return 0;
}

static int clear(PyObject *module) {
    types *of = PyModule_GetState(module);
    Py_CLEAR(of->ready);
    Py_CLEAR(of->way);
    Py_CLEAR(of->limit);
    Py_CLEAR(of->direct);
    Py_CLEAR(of->relayed);
    Py_CLEAR(of->pulse);
    Py_CLEAR(of->page);
    Py_CLEAR(of->flight);
    Py_CLEAR(of->wait);
    Py_CLEAR(of->learner);
    Py_CLEAR(of->replier);
    for (size_t at = 0; at < NAMES; at++)
        Py_CLEAR(of->names[at]);
    return 0;
}

static PyMethodDef functions[] = {
    {"key", (PyCFunction)(void (*)(void))key, METH_FASTCALL, NULL},
    {"joined", (PyCFunction)(void (*)(void))joined, METH_FASTCALL, NULL},
    {"take", take, METH_VARARGS, NULL},
    {"give_back", give_back, METH_VARARGS, NULL},
    {"begin_flight", begin_flight, METH_VARARGS, NULL},
    {"begin_wait", begin_wait, METH_VARARGS, NULL},
    {"keep_reply", (PyCFunction)(void (*)(void))keep_reply, METH_FASTCALL, NULL},
    {"drain", drain, METH_VARARGS, NULL},
    {"send_all", send_all, METH_O, NULL},
    {0},
};
static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0}};
static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "_native",
    .m_size = sizeof(types),
    .m_methods = functions,
    .m_slots = slots,
    .m_traverse = traverse,
    .m_clear = clear,
};

PyMODINIT_FUNC PyInit__native(void) { return PyModuleDef_Init(&definition); }
