/* What upstreams said, kept: the usual way of forward/cache.py's Cache.remember, in its tables.
 *
 * Usual is a reply about a name of which nothing is kept: its records of one type, or a denial, with a TTL that is
 * within the bounds. */
#include "native.h"

enum { CACHE, KEY, REPLY, NOW, ENTRY, ARGUMENTS };
enum { KEY_VIEW, KEY_UPSTREAMS, KEY_NAME, KEY_TYPE, KEY_DO, KEY_CD }; /* the fields of a key */
enum { NXDOMAIN = 3, UNCHECKED = 1 << 16 };
enum { NAME_OCTETS = 450, ENTRY_OCTETS = 250, RRSET_OCTETS = 90, RDATA_OCTETS = 45 }; /* as in cache.py */

static long number_of(types *of, PyObject *object, int name) {
    PyObject *found = PyObject_GetAttr(object, of->names[name]);
    long number = found == NULL ? -1 : PyLong_AsLong(found);
    Py_XDECREF(found);
    return number;
}

/* Whether an attribute is None, or empty; also where there is none, with an error. */
static int lacks(types *of, PyObject *object, int name) {
    PyObject *found = PyObject_GetAttr(object, of->names[name]);
    int there = found == NULL ? 0 : PyObject_IsTrue(found);
    Py_XDECREF(found);
    return there <= 0;
}

/* The one RRset that a reply consists of, and what it is; NULL: an error, or there is more to it. */
static PyObject *only_rrset(types *of, PyObject *reply, PyObject *key, int *is_denial) {
    PyObject *answer = PyObject_GetAttr(reply, of->names[ANSWER]), *soa = PyObject_GetAttr(reply, of->names[SOA]);
    PyObject *proof = PyObject_GetAttr(reply, of->names[PROOF]), *found = NULL;
    long rcode = number_of(of, reply, RCODE);
    Py_ssize_t answers = answer == NULL ? -1 : PyTuple_Size(answer);
    if (!PyErr_Occurred() && lacks(of, reply, EDES) &&
        (proof == Py_None || (lacks(of, proof, SIGNATURES) && lacks(of, proof, DENIAL)))) {
        *is_denial = soa != Py_None;
        if (*is_denial && answers == 0 && (rcode == 0 || rcode == NXDOMAIN))
            found = Py_NewRef(soa);
        else if (!*is_denial && answers == 1 && rcode == 0)
            found = Py_NewRef(PyTuple_GetItem(answer, 0));
    }
    if (found != NULL && !*is_denial && number_of(of, found, RDTYPE) != PyLong_AsLong(PyTuple_GetItem(key, KEY_TYPE)))
        Py_CLEAR(found);
    Py_XDECREF(answer);
    Py_XDECREF(soa);
    Py_XDECREF(proof);
    if (PyErr_Occurred())
        Py_CLEAR(found);
    return found;
}

/* How long it may be used again, if that is within the bounds; else 0, also with an error. */
static long lifetime_s(types *of, PyObject *limits, PyObject *reply, PyObject *rrset, int is_denial) {
    long ttl_s = number_of(of, rrset, TTL_S), low_s = number_of(of, limits, MIN_TTL_S);
    long high_s = number_of(of, limits, is_denial ? MAX_NEGATIVE_TTL_S : MAX_TTL_S);
    if (PyErr_Occurred() || ttl_s < low_s || ttl_s > high_s || ttl_s <= 0)
        return 0;
    return low_s == 0 || lacks(of, reply, PROOF) ? ttl_s : 0; /* what is signed may have other bounds */
}

/* What it takes up, as cache.py's _cost; -1 with an error. */
static Py_ssize_t cost(types *of, PyObject *rrset) {
    PyObject *owner = PyObject_GetAttr(rrset, of->names[OWNER]), *rdatas = PyObject_GetAttr(rrset, of->names[RDATAS]);
    Py_ssize_t octets = ENTRY_OCTETS + RRSET_OCTETS + (owner == NULL ? 0 : PyObject_Size(owner));
    for (Py_ssize_t at = 0; rdatas != NULL && at < PyTuple_Size(rdatas); at++)
        octets += RDATA_OCTETS + PyObject_Size(PyTuple_GetItem(rdatas, at));
    Py_XDECREF(owner);
    Py_XDECREF(rdatas);
    return PyErr_Occurred() ? -1 : octets;
}

/* Move a gauge, whose labels are taken; 0 with an error. */
static int move(types *of, PyObject *gauges, int name, PyObject *labels, Py_ssize_t by) {
    PyObject *series = labels == NULL ? NULL : PyTuple_Pack(2, of->names[name], labels);
    PyObject *amount = PyLong_FromSsize_t(by);
    PyObject *former = series == NULL ? NULL : PyDict_GetItemWithError(gauges, series);
    PyObject *next = former != NULL && amount != NULL ? PyNumber_Add(former, amount) : Py_XNewRef(amount);
    int moved = !PyErr_Occurred() && PyDict_SetItem(gauges, series, next) == 0;
    Py_XDECREF(labels);
    Py_XDECREF(series);
    Py_XDECREF(amount);
    Py_XDECREF(next);
    return moved;
}

/* Count what came, and make room for it if there is too little; 0 with an error. */
static int weigh(types *of, PyObject *const *args, PyObject *limits, Py_ssize_t octets, int is_denial) {
    PyObject *view = PyTuple_GetItem(args[KEY], KEY_VIEW), *counts = PyObject_GetAttr(args[CACHE], of->names[COUNTS]);
    PyObject *gauges = counts == NULL ? NULL : PyObject_GetAttr(counts, of->names[GAUGES]);
    long total = number_of(of, args[CACHE], OCTETS) + (long)octets, most = number_of(of, limits, OCTETS);
    PyObject *number = PyErr_Occurred() ? NULL : PyLong_FromLong(total);
    int weighed = number != NULL && gauges != NULL &&
                  PyObject_SetAttr(args[CACHE], of->names[OCTETS], number) == 0 &&
                  move(of, gauges, CACHE_SIZE, PyTuple_Pack(1, view), octets) &&
                  move(of, gauges, CACHE_ENTRIES, PyTuple_Pack(2, of->names[is_denial ? DENIAL : SUCCESS], view), 1);
    Py_XDECREF(counts);
    Py_XDECREF(gauges);
    Py_XDECREF(number);
    if (weighed && total > most) {
        PyObject *made_room = PyObject_CallMethod(args[CACHE], "make_room", NULL);
        weighed = made_room != NULL;
        Py_XDECREF(made_room);
    }
    return weighed;
}

/* The types of a name, of which the reply is the first; NULL with an error. */
static PyObject *new_types(PyObject *const *args, long ttl_s, Py_ssize_t octets, long slot) {
    PyObject *types_of_name = PyDict_New(), *key = PyLong_FromLong(slot);
    double now_s = PyFloat_AsDouble(args[NOW]);
    PyObject *entry = PyObject_CallFunction(args[ENTRY], "OOdn", args[REPLY], args[NOW], now_s + (double)ttl_s, octets);
    if (types_of_name != NULL && (key == NULL || entry == NULL || PyDict_SetItem(types_of_name, key, entry) < 0))
        Py_CLEAR(types_of_name);
    Py_XDECREF(key);
    Py_XDECREF(entry);
    return types_of_name;
}

/* Keep it; 0: something is kept of that name already, -1: an error. */
static int put_reply(types *of, PyObject *const *args, PyObject *limits, PyObject *rrset, long ttl_s, int is_denial) {
    PyObject *key = args[KEY], *name = PyTuple_GetItem(key, KEY_NAME);
    PyObject *place = leaf(PyTuple_Pack(3, PyTuple_GetItem(key, KEY_VIEW), PyTuple_GetItem(key, KEY_UPSTREAMS), name));
    PyObject *names = PyObject_GetAttr(args[CACHE], of->names[FLIGHT_NAMES]), *entries = NULL;
    int there = place == NULL || names == NULL ? -1 : PyDict_Contains(names, place), done = there == 1 ? 0 : -1;
    if (there == 0) {
        int is_no_name = is_denial && number_of(of, args[REPLY], RCODE) == NXDOMAIN;
        long slot = is_no_name ? 0 : PyLong_AsLong(PyTuple_GetItem(key, KEY_TYPE));
        if (PyObject_IsTrue(PyTuple_GetItem(key, KEY_CD)))
            slot |= UNCHECKED;
        Py_ssize_t octets = cost(of, rrset);
        entries = PyErr_Occurred() ? NULL : new_types(args, ttl_s, octets, slot);
        if (entries != NULL && PyObject_SetItem(names, place, entries) == 0 &&
            weigh(of, args, limits, NAME_OCTETS + PyBytes_Size(name) + octets, is_denial))
            done = 1;
    }
    Py_XDECREF(place);
    Py_XDECREF(names);
    Py_XDECREF(entries);
    return done;
}

/* As Cache.remember; false: it is not usual, and nothing was done. */
PyObject *keep_reply(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    types *of = PyModule_GetState(module);
    int is_denial = 0, kept = 0;
    if (count != ARGUMENTS || !PyTuple_Check(args[KEY]) || PyTuple_Size(args[KEY]) <= KEY_CD) {
        PyErr_SetString(PyExc_TypeError, "expected a cache, a key, a reply, the time, and what entries are");
        return NULL;
    }
    PyObject *limits = PyObject_GetAttr(args[CACHE], of->names[LIMITS]);
    PyObject *rrset = limits == NULL ? NULL : only_rrset(of, args[REPLY], args[KEY], &is_denial);
    if (rrset != NULL) {
        long ttl_s = lifetime_s(of, limits, args[REPLY], rrset, is_denial);
        if (ttl_s > 0)
            kept = put_reply(of, args, limits, rrset, ttl_s, is_denial);
    }
    Py_XDECREF(limits);
    Py_XDECREF(rrset);
    return PyErr_Occurred() ? NULL : PyBool_FromLong(kept == 1);
}
