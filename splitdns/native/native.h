/* What the files of the module have in common: see _native.pyi for what each thing is to Python.
 *
 * Each file has a twin in Python, which tests hold it together with; what is not usual is the twin's:
 *
 *   loop, known, view, datagrams, direct    serve/loop.py, serve/batch.py, answer/direct.py: what is answered at once
 *   scan, passing, requests, later          wire/scan.py, answer/passing.py, metrics.py, serve/batch.py: what waits
 *   replying                                serve/pipeline.py: what it waited for
 *   relayed, relay, ports, pulse            forward/relay.py, query.py, plain.py, ports.py, health.py: who is asked
 *   flights, learning, cache                forward/flights.py, forwarder.py, cache.py: who waits, and what is kept
 *
 * direct, relay and datagrams are plain C; the first two read what strangers send, and are fuzzed. */
#ifndef SPLITDNS_NATIVE_H
#define SPLITDNS_NATIVE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include "datagrams.h"
#include "direct.h"

enum { MAX_BOUNDS = 31 }; /* of a histogram */

/* The attributes that are looked up for each question; module.c spells them. */
enum {
    CLIENT_COOKIE, SERVER_COOKIE, KNOWS_EDNS,                   /* of traits */
    DESCRIPTOR, SOCK, LOOP,                                     /* of ports, and of their readers */
    RCODE, ANSWER, EDES, PROOF, SIGNATURES, DENIAL,             /* of a reply, and of its proof */
    OWNER, RDTYPE, TTL_S, RDATAS,                               /* of an RRset */
    IDLE, IDLE_COUNT, SWEEPING, PAGE, RANDOM, READERS,          /* of all ports */
    OPENED_S, ASKED, STRAY, UPSTREAM, CLOSED, CALLBACKS,        /* of one, and of readers */
    UPSTREAMS, STRATEGY, TIMEOUT_S, CARRIER, DOWN,              /* of a set, an upstream, and all health */
    AS_IS_UNTIL_S, WITHOUT_EDNS_UNTIL_S,                        /* of traits */
    FLIGHTS, FLIGHT_NAMES, CLIENTS, MAX_FLIGHTS, MAX_WAITS, FLY, CLOCK, EMPTY, /* of all flights */
    SOA, LIMITS, MIN_TTL_S, MAX_TTL_S, MAX_NEGATIVE_TTL_S, COUNTS, GAUGES, OCTETS, /* of a reply, and of the cache */
    CACHE_SIZE, CACHE_ENTRIES, SUCCESS,                         /* what is counted of it */
    FLUSHES, KEPT,                                              /* of a forwarder, and of failures */
    QUERY_LOG, QUESTION, PASSING, ENCODED,                      /* of a pipeline, and of what is pending there */
    SLOTS, TOTAL, REQUESTS, RESPONSES, DURATIONS,               /* of a histogram, and which there are */
    NAMES,
};

/* The module's state. */
typedef struct {
    PyTypeObject *ready, *way, *limit, *direct, *relayed, *pulse, *page, *flight, *wait, *learner, *replier;
    PyObject *names[NAMES];
} types;

/* What durations are counted by: one zone as one view sees it. */
typedef struct {
    PyObject_HEAD
    Py_ssize_t bounds;
    unsigned long long slots[MAX_BOUNDS + 1];
    double total;
    unsigned turn; /* how many of the batch */
} Way;

/* An answer to certain octets. */
typedef struct {
    PyObject_HEAD
    PyObject *rest; /* bytes: all of the answer but its id */
    PyObject *way, *tag;
    double until_s;
    long long hits;
} Ready;

/* Buckets.take of answer/limits.py, on the same array. */
typedef struct {
    PyObject_HEAD
    Py_buffer due_s;
    double cost_s, window_s;
} Limit;

/* A zone that answers directly; denials are made by Python, and kept in its own dict. */
typedef struct {
    direct_ground core;
    Py_buffer block;
    PyObject *denials, *deny, *way, *owner;
} Ground;

/* What a view's zones answer without Python. */
typedef struct {
    PyObject_HEAD
    direct_view view;
    Ground *grounds;
    size_t grounds_count;
    PyObject *names; /* of the places: a tuple of bytes */
} Direct;

extern PyType_Spec way_spec, ready_spec, limit_spec, direct_spec, loop_spec, relayed_spec, relays_spec, later_spec,
    pulse_spec, page_spec, requests_spec, flight_spec, wait_spec, learning_spec, learner_spec, replying_spec,
    replier_spec;

enum { RCODES = 16 }; /* of a header */

/* How long an upstream takes; the histograms by rcode, as far as they are known. */
typedef struct {
    PyObject_HEAD
    double smoothed_s, variation_s, wait_s, heard_s, probe_s, probe_after_s;
    int failures;
    PyObject *durations[RCODES];
} Pulse;

static const double PULSE_FIRST_WAIT_S = 0.4; /* of one that never answered */

/* It has answered at `now_s` what it was asked at `asked_s`. */
void pulse_beats(Pulse *self, double asked_s, double now_s);

/* Put a number into that bucket of a histogram of metrics.py; -1 with an error. */
int observe_in(types *of, PyObject *histogram, Py_ssize_t slot, PyObject *amount);

/* Put a duration where it belongs; -1 with an error. */
int observe(types *of, PyObject *histogram, const double *bounds_s, Py_ssize_t count, double duration_s);

enum { PAGE_OCTETS = 4096 };

/* The kernel's randomness, each octet of which is used once. */
typedef struct {
    PyObject_HEAD
    size_t at;
    uint8_t octets[PAGE_OCTETS];
} Page;

/* Random octets, until the next are drawn; NULL with an error. */
const uint8_t *page_draw(Page *self, size_t octets);

/* As forward/ports.py's take and give_back. */
PyObject *take_port(types *of, PyObject *ports, PyObject *upstream, double now_s);
int give_port_back(types *of, PyObject *ports, PyObject *port, double now_s);
PyObject *take(PyObject *module, PyObject *args);
PyObject *give_back(PyObject *module, PyObject *args);

/* As forward/cache.py's remember, and forward/flights.py's begin and wait. */
PyObject *keep_reply(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *begin_flight(PyObject *module, PyObject *args);
PyObject *begin_wait(PyObject *module, PyObject *args);

/* Turns of sockets: as in forward/readers.py, and as in forward/exchange.py. */
PyObject *drain(PyObject *module, PyObject *args);
PyObject *send_all(PyObject *module, PyObject *unsent);

/* As in wire/scan.py, and as in answer/passing.py. */
PyObject *key(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *joined(PyObject *module, PyObject *const *args, Py_ssize_t count);

/* Count one more in a bucket: 1, or 0 if it was one too many; -1 with an error. */
int limit_takes(Limit *limit, Py_ssize_t bucket, double now_s);

/* The bounds of a histogram, a tuple, into room for MAX_BOUNDS; 0 with an error. */
int read_bounds(PyObject *bounds, double *into, Py_ssize_t *count);

/* The authority section of a negative answer, borrowed; NULL without an error: there is none. */
PyObject *denial(const direct_answer *answer, const uint8_t *query);

/* A new object of a type, zeroed. */
static inline PyObject *made(PyTypeObject *type) {
    return ((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
}

/* The end of an object: that of a heap type has counted its type. */
static inline void destroy(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

/* A value that holds nothing which could hold it: the collector of cycles need not look at it. NULL stays NULL.
 *
 * Of what is kept for long these are most, and each would be looked at once at least. */
static inline PyObject *leaf(PyObject *value) {
    if (value != NULL && PyObject_GC_IsTracked(value))
        PyObject_GC_UnTrack(value);
    return value;
}

/* The octets of a bytes object. */
static inline const uint8_t *octets_of(PyObject *bytes) { return (const uint8_t *)PyBytes_AsString(bytes); }

/* Put an object, which is taken, where another one is, or none. */
static inline void put(PyObject **where, PyObject *object) {
    PyObject *former = *where;
    *where = object;
    Py_XDECREF(former);
}

/* Room for so many of something, zeroed; never NULL for none. */
static inline void *room_for(Py_ssize_t count, size_t octets) {
    void *room = PyMem_Calloc((size_t)count + 1, octets);
    if (room == NULL)
        PyErr_NoMemory();
    return room;
}

#endif
