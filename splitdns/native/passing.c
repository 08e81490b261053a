/* A reply that is the client's as it stands, joined: answer/passing.py's `joined`. */
#include "native.h"

#include <string.h>

enum { REPLY, WIRE, KEY, FLAGS, OPT, ROOM, GUARD, ARGUMENTS };
enum { HEADER = 12, RECORD = 12, TAIL = 4, TYPE_A = 1, TYPE_AAAA = 28, CLASS_IN = 1 };

static inline uint8_t *put_two(uint8_t *at, unsigned long number) {
    at[0] = (uint8_t)(number >> 8);
    at[1] = (uint8_t)number;
    return at + 2;
}

/* Whether an attribute of an object is there, and not empty; -1 with an error. */
static int has(types *of, PyObject *object, int name) {
    PyObject *found = PyObject_GetAttr(object, of->names[name]);
    if (found == NULL)
        return -1;
    int is_there = PyObject_IsTrue(found);
    Py_DECREF(found);
    return is_there;
}

/* Whether there is anything about a reply that has to be told beside its records; -1 with an error. */
static int says_more(types *of, PyObject *reply) {
    int more = has(of, reply, RCODE);
    if (more == 0)
        more = has(of, reply, EDES);
    if (more)
        return more;
    PyObject *proof = PyObject_GetAttr(reply, of->names[PROOF]);
    if (proof == NULL)
        return -1;
    if (proof != Py_None && (more = has(of, proof, SIGNATURES)) == 0)
        more = has(of, proof, DENIAL);
    Py_DECREF(proof);
    return more;
}

/* The records are addresses of the asked name and type, and may be told; -1 with an error. */
static int may_pass(types *of, PyObject *rrset, PyObject *key, PyObject *guard, unsigned long *rdtype) {
    const uint8_t *asked = octets_of(key);
    size_t octets = (size_t)PyBytes_Size(key);
    PyObject *number = PyObject_GetAttr(rrset, of->names[RDTYPE]), *owner = PyObject_GetAttr(rrset, of->names[OWNER]);
    int may = -1;
    if (number != NULL && owner != NULL && PyBytes_Check(owner)) {
        *rdtype = PyLong_AsUnsignedLong(number);
        may = !PyErr_Occurred() && (*rdtype == TYPE_A || *rdtype == TYPE_AAAA) && octets > 1 + TAIL &&
              asked[octets - 4] == 0 && asked[octets - 3] == *rdtype &&
              (size_t)PyBytes_Size(owner) == octets - 1 - TAIL &&
              memcmp(octets_of(owner), asked + 1, octets - 1 - TAIL) == 0;
    }
    Py_XDECREF(number);
    Py_XDECREF(owner);
    if (PyErr_Occurred())
        return -1;
    if (may == 1 && guard != Py_None) {
        PyObject *told = PyObject_CallFunctionObjArgs(guard, rrset, NULL);
        int guarded = told == NULL ? -1 : PyObject_IsTrue(told);
        Py_XDECREF(told);
        may = guarded < 0 ? -1 : !guarded;
    }
    return may;
}

/* How many octets the records take; -1 with an error. */
static Py_ssize_t measure(PyObject *rdatas) {
    Py_ssize_t octets = 0;
    for (Py_ssize_t at = 0; at < PyTuple_Size(rdatas); at++) {
        PyObject *rdata = PyTuple_GetItem(rdatas, at);
        if (!PyBytes_Check(rdata)) {
            PyErr_SetString(PyExc_TypeError, "expected bytes");
            return -1;
        }
        octets += RECORD + PyBytes_Size(rdata);
    }
    return PyErr_Occurred() ? -1 : octets;
}

static uint8_t *put_records(uint8_t *at, PyObject *rdatas, unsigned long rdtype, unsigned long ttl_s) {
    uint8_t beginning[RECORD];
    put_two(put_two(put_two(beginning, 0xC000 | HEADER), rdtype), CLASS_IN);
    put_two(put_two(beginning + 6, ttl_s >> 16), ttl_s);
    for (Py_ssize_t number = 0; number < PyTuple_Size(rdatas); number++) {
        PyObject *rdata = PyTuple_GetItem(rdatas, number);
        size_t octets = (size_t)PyBytes_Size(rdata);
        put_two(beginning + 10, octets);
        memcpy(at, beginning, RECORD);
        memcpy(at + RECORD, octets_of(rdata), octets);
        at += RECORD + octets;
    }
    return at;
}

/* The message, or None where it does not fit. */
static PyObject *join(PyObject *const *args, PyObject *rdatas, unsigned long rdtype, unsigned long ttl_s) {
    unsigned long flags = PyLong_AsUnsignedLong(args[FLAGS]);
    Py_ssize_t room = PyLong_AsSsize_t(args[ROOM]), records = measure(rdatas);
    Py_ssize_t question = PyBytes_Size(args[KEY]) - 1, opt = PyBytes_Size(args[OPT]);
    if (PyErr_Occurred())
        return NULL;
    Py_ssize_t total = HEADER + question + records + opt;
    if (total > room || PyBytes_Size(args[WIRE]) < HEADER + question)
        Py_RETURN_NONE;
    PyObject *message = PyBytes_FromStringAndSize(NULL, total);
    if (message == NULL)
        return NULL;
    const uint8_t *wire = octets_of(args[WIRE]);
    uint8_t *start = (uint8_t *)PyBytes_AsString(message);
    memcpy(start, wire, 2);
    uint8_t *at = put_two(put_two(start + 2, flags), 1);
    at = put_two(put_two(put_two(at, (unsigned long)PyTuple_Size(rdatas)), 0), opt ? 1 : 0);
    memcpy(at, wire + HEADER, (size_t)question);
    at = put_records(at + question, rdatas, rdtype, ttl_s);
    memcpy(at, octets_of(args[OPT]), (size_t)opt);
    return message;
}

PyObject *joined(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    types *of = PyModule_GetState(module);
    if (count != ARGUMENTS || !PyBytes_Check(args[WIRE]) || !PyBytes_Check(args[KEY]) || !PyBytes_Check(args[OPT])) {
        PyErr_SetString(PyExc_TypeError, "expected a reply, and what asked for it");
        return NULL;
    }
    int more = says_more(of, args[REPLY]);
    if (more < 0)
        return NULL;
    PyObject *message = NULL, *ttl_s = NULL, *rdatas = NULL;
    PyObject *answer = PyObject_GetAttr(args[REPLY], of->names[ANSWER]);
    if (answer == NULL)
        return NULL;
    unsigned long rdtype = 0;
    PyObject *rrset = more || PyTuple_Size(answer) != 1 ? NULL : PyTuple_GetItem(answer, 0);
    int may = rrset == NULL ? 0 : may_pass(of, rrset, args[KEY], args[GUARD], &rdtype);
    if (may == 1) {
        ttl_s = PyObject_GetAttr(rrset, of->names[TTL_S]);
        rdatas = PyObject_GetAttr(rrset, of->names[RDATAS]);
        if (ttl_s != NULL && rdatas != NULL)
            message = join(args, rdatas, rdtype, PyLong_AsUnsignedLong(ttl_s));
    } else if (may == 0 && !PyErr_Occurred()) {
        message = Py_NewRef(Py_None);
    }
    Py_DECREF(answer);
    Py_XDECREF(ttl_s);
    Py_XDECREF(rdatas);
    return message;
}
