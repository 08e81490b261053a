/* The loop over a batch: loop.py, and direct answers before what is known.
 *
 * Nothing is decided here. What is not known is handed back to Python, datagram by datagram in the order in which
 * they came, so that limits and counts are what they are without this module.
 */
#include "native.h"

#include <errno.h>
#include <string.h>

enum { CLIENT_FIELDS = 6 }; /* of loop.Client */

/* So many direct answers that are counted alike. */
typedef struct {
    PyObject *owner; /* NULL: free */
    uint16_t qtype, query_octets, answer_octets;
    uint8_t dnssec, rcode;
    unsigned long long hits;
} Tally;

enum { TALLIES = 4096, MAX_TALLIES = TALLIES * 3 / 4 }; /* what is beyond in one turn is counted by Python */

typedef struct {
    PyObject_HEAD
    datagrams batch;
    types *of;
    PyObject *module; /* whose state `of` is */
    Py_buffer memory;
    PyObject *clients, *usual;
    double bounds[MAX_BOUNDS];
    Py_ssize_t bounds_count;
    Way *ways[DATAGRAMS]; /* of this batch */
    unsigned ways_count;
    Tally *tallies;
    long long tallied; /* how many of them are taken */
    long long unsent;
} Loop;

int read_bounds(PyObject *bounds, double *into, Py_ssize_t *count) {
    *count = PyTuple_Size(bounds);
    if (*count > MAX_BOUNDS)
        PyErr_SetString(PyExc_ValueError, "too many bounds");
    for (Py_ssize_t at = 0; at < *count && !PyErr_Occurred(); at++)
        into[at] = PyFloat_AsDouble(PyTuple_GetItem(bounds, at));
    return !PyErr_Occurred();
}

static PyObject *loop_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    int fd, of_ipv6;
    PyObject *memory, *clients, *usual, *bounds;
    Py_ssize_t slot_octets, control_octets;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "ipOnnO!OO!:Loop", &fd, &of_ipv6, &memory, &slot_octets, &control_octets,
                          &PyDict_Type, &clients, &usual, &PyTuple_Type, &bounds))
        return NULL;
    Loop *self = (Loop *)made(type);
    if (self == NULL)
        return NULL;
    self->clients = Py_NewRef(clients);
    self->usual = Py_NewRef(usual);
    self->of = PyType_GetModuleState(type);
    self->module = Py_XNewRef(PyType_GetModule(type));
    if (self->of == NULL || !read_bounds(bounds, self->bounds, &self->bounds_count) ||
        (self->tallies = room_for(TALLIES, sizeof(Tally))) == NULL ||
        PyObject_GetBuffer(memory, &self->memory, PyBUF_WRITABLE) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    if ((size_t)self->memory.len < DATAGRAMS * (sizeof(struct mmsghdr) + (size_t)slot_octets)) {
        Py_DECREF(self);
        PyErr_SetString(PyExc_ValueError, "the memory has no room for a batch");
        return NULL;
    }
    datagrams_open(&self->batch, fd, of_ipv6, (size_t)control_octets);
    self->batch.slot_octets = (size_t)slot_octets;
    self->batch.received = self->memory.buf;
    return (PyObject *)self;
}

static int loop_traverse(Loop *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE((PyObject *)self));
    Py_VISIT(self->module);
    Py_VISIT(self->clients);
    Py_VISIT(self->usual);
    return 0;
}

static int loop_clear(Loop *self) {
    Py_CLEAR(self->clients);
    Py_CLEAR(self->usual);
    return 0;
}

static void forget_tallies(Loop *self) {
    for (size_t at = 0; self->tallies != NULL && at < TALLIES; at++)
        Py_CLEAR(self->tallies[at].owner);
    if (self->tallies != NULL)
        memset(self->tallies, 0, TALLIES * sizeof(Tally));
    self->tallied = 0;
}

static void loop_dealloc(Loop *self) {
    PyObject_GC_UnTrack(self);
    loop_clear(self);
    forget_tallies(self);
    PyMem_Free(self->tallies);
    Py_CLEAR(self->module);
    if (self->memory.obj != NULL)
        PyBuffer_Release(&self->memory);
    destroy((PyObject *)self);
}

static void count_way(Loop *self, PyObject *one) {
    Way *way = (Way *)one;
    if (way->turn++ == 0)
        self->ways[self->ways_count++] = (Way *)Py_NewRef(one);
}

/* Where such an answer is counted; NULL: there is no room. */
static Tally *tally_of(Loop *self, const Tally *alike) {
    size_t slot = (size_t)alike->owner >> 4;
    slot = slot * 31 + alike->qtype;
    slot = slot * 31 + alike->query_octets;
    slot = slot * 31 + alike->answer_octets;
    slot = slot * 31 + alike->rcode * 2u + alike->dnssec;
    for (;; slot++) {
        Tally *tally = &self->tallies[slot % TALLIES];
        if (tally->owner == NULL) {
            if (self->tallied >= MAX_TALLIES)
                return NULL;
            *tally = *alike;
            Py_INCREF(tally->owner);
            self->tallied++;
            return tally;
        }
        if (tally->owner == alike->owner && tally->qtype == alike->qtype && tally->rcode == alike->rcode &&
            tally->dnssec == alike->dnssec && tally->query_octets == alike->query_octets &&
            tally->answer_octets == alike->answer_octets)
            return tally;
    }
}

/* Everybody of a batch waited for all of it. */
static void count_durations(Loop *self, double duration_s) {
    Py_ssize_t slot = 0;
    while (slot < self->bounds_count && self->bounds[slot] < duration_s)
        slot++;
    for (unsigned at = 0; at < self->ways_count; at++) {
        Way *way = self->ways[at];
        way->slots[slot < way->bounds ? slot : way->bounds] += way->turn;
        way->total += way->turn * duration_s;
        way->turn = 0;
        Py_DECREF((PyObject *)way);
    }
    self->ways_count = 0;
}

/* Whether a client may be answered; -1 with an error. */
static int admitted(Loop *self, PyObject *client, double now_s) {
    PyObject *limit = PyTuple_GetItem(client, 3);
    if (limit == Py_None)
        return 1;
    if (!Py_IS_TYPE(limit, self->of->limit)) {
        PyErr_SetString(PyExc_TypeError, "expected a Limit");
        return -1;
    }
    Py_ssize_t bucket = PyLong_AsSsize_t(PyTuple_GetItem(client, 4));
    if (bucket == -1 && PyErr_Occurred())
        return -1;
    return limit_takes((Limit *)limit, bucket, now_s);
}

/* How long the answer is that a zone gave directly: 0 without one, -1 with an error. */
static Py_ssize_t answer_directly(Loop *self, PyObject *client, uint8_t *slot, size_t octets, double now_s) {
    PyObject *direct = PyTuple_GetItem(client, 5);
    direct_answer found;
    if (direct == Py_None)
        return 0;
    if (!Py_IS_TYPE(direct, self->of->direct)) {
        PyErr_SetString(PyExc_TypeError, "expected a Direct");
        return -1;
    }
    const direct_view *view = &((Direct *)direct)->view;
    if (!direct_find(view, slot, octets, &found))
        return 0;
    if (found.kind != DIRECT_FOUND) {
        PyObject *told = denial(&found, slot);
        char *records;
        Py_ssize_t records_octets;
        if (told == NULL)
            return PyErr_Occurred() ? -1 : 0;
        if (PyBytes_AsStringAndSize(told, &records, &records_octets) < 0)
            return -1;
        found.records = (const uint8_t *)records;
        found.records_octets = (size_t)records_octets;
    }
    Ground *ground = found.ground->owner;
    size_t total = direct_octets(&found);
    Tally alike = {ground->owner, found.qtype, (uint16_t)octets, (uint16_t)total, (uint8_t)found.dnssec,
                   found.flags[1] & 0xF, 0};
    if (total > self->batch.slot_octets || total > found.limit_octets)
        return 0;
    Tally *tally = tally_of(self, &alike);
    if (tally == NULL)
        return 0;
    int may = admitted(self, client, now_s);
    if (may != 1)
        return may;
    direct_write(view, &found, slot);
    tally->hits++;
    count_way(self, ground->way);
    return (Py_ssize_t)total;
}

/* Write a remembered answer over its query, and count it; its octets. */
static Py_ssize_t write_ready(Loop *self, Ready *ready, uint8_t *slot) {
    char *rest;
    Py_ssize_t rest_octets;
    if (PyBytes_AsStringAndSize(ready->rest, &rest, &rest_octets) < 0)
        return -1;
    if ((size_t)rest_octets + 2 > self->batch.slot_octets) { /* the next slot is another client's */
        PyErr_SetString(PyExc_ValueError, "the answer is longer than its slot");
        return -1;
    }
    memcpy(slot + 2, rest, (size_t)rest_octets);
    ready->hits++;
    count_way(self, ready->way);
    return 2 + rest_octets;
}

/* How long the answer is that is known by the octets: 0 without one, -1 with an error. */
static Py_ssize_t answer_known(Loop *self, PyObject *client, uint8_t *slot, size_t octets, double now_s) {
    PyObject *key = PyBytes_FromStringAndSize((const char *)slot + 2, (Py_ssize_t)octets - 2);
    if (key == NULL)
        return -1;
    Ready *ready = (Ready *)PyDict_GetItemWithError(PyTuple_GetItem(client, 2), key);
    Py_DECREF(key);
    if (ready == NULL)
        return PyErr_Occurred() ? -1 : 0;
    if (!Py_IS_TYPE((PyObject *)ready, self->of->ready)) {
        PyErr_SetString(PyExc_TypeError, "expected a Ready");
        return -1;
    }
    if (ready->until_s <= now_s)
        return 0;
    int may = admitted(self, client, now_s);
    return may == 1 ? write_ready(self, ready, slot) : may;
}

/* How long the answer is that Python made: 0 without one, -1 with an error. */
static Py_ssize_t answer_usually(Loop *self, unsigned number, uint8_t *slot, size_t octets, double now_s) {
    char *wire;
    Py_ssize_t written = 0;
    PyObject *told = PyObject_CallFunction(self->usual, "Ind", number, (Py_ssize_t)octets, now_s);
    if (told == NULL)
        return -1;
    if (Py_IS_TYPE(told, self->of->ready)) {
        written = write_ready(self, (Ready *)told, slot);
    } else if (told != Py_None) {
        if (PyBytes_AsStringAndSize(told, &wire, &written) < 0) {
            written = -1;
        } else if ((size_t)written > self->batch.slot_octets) {
            PyErr_SetString(PyExc_ValueError, "the answer is longer than its slot");
            written = -1;
        } else {
            memcpy(slot, wire, (size_t)written);
        }
    }
    Py_DECREF(told);
    return written;
}

/* What is known of who sent a datagram, as loop.py has it; NULL without an error: nothing. */
static PyObject *client_of(Loop *self, unsigned number) {
    size_t octets;
    const uint8_t *host = datagrams_host(&self->batch, number, &octets);
    PyObject *key = PyBytes_FromStringAndSize((const char *)host, (Py_ssize_t)octets);
    if (key == NULL)
        return NULL;
    PyObject *client = PyDict_GetItemWithError(self->clients, key);
    Py_DECREF(key);
    if (client != NULL && PyTuple_Size(client) != CLIENT_FIELDS)
        return NULL;
    return Py_XNewRef(client);
}

/* How long the answer in the slot is: 0 without one, -1 with an error. */
static Py_ssize_t answer(Loop *self, unsigned number, double now_s) {
    uint8_t *slot = datagrams_slot(&self->batch, number);
    size_t octets = self->batch.received[number].msg_len;
    PyObject *client = client_of(self, number);
    Py_ssize_t written = PyErr_Occurred() ? -1 : 0;
    if (client != NULL && octets >= 2) {
        written = answer_directly(self, client, slot, octets, now_s);
        if (written == 0)
            written = answer_known(self, client, slot, octets, now_s);
    }
    Py_XDECREF(client);
    return written ? written : answer_usually(self, number, slot, octets, now_s);
}

static double now(PyObject *clock) {
    PyObject *told = PyObject_CallNoArgs(clock);
    double now_s = told == NULL ? -1.0 : PyFloat_AsDouble(told);
    Py_XDECREF(told);
    return now_s;
}

/* Have an answer in each slot that gets one; false with an error. */
static int answer_all(Loop *self, unsigned count, double now_s, int *unanswered) {
    datagrams *batch = &self->batch;
    for (unsigned number = 0; number < count; number++) {
        Py_ssize_t octets = answer(self, number, now_s);
        if (octets < 0)
            return 0;
        if (octets > 0)
            datagrams_answer(batch, number, (size_t)octets);
        else
            *unanswered = 1;
    }
    return 1;
}

/* One batch: how many datagrams it had, -1 with an error. */
static int turn_batch(Loop *self, PyObject *clock, int *unanswered) {
    int count = datagrams_receive(&self->batch);
    if (count < 0) {
        if (errno == EAGAIN)
            return 0;
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    double started_s = now(clock);
    if (PyErr_Occurred())
        return -1;
    int answered = answer_all(self, (unsigned)count, started_s, unanswered);
    double duration_s = 0;
    if (answered && self->ways_count) {
        duration_s = now(clock) - started_s;
        answered = !PyErr_Occurred();
    }
    count_durations(self, duration_s);
    if (!answered)
        return -1;
    self->unsent += datagrams_send(&self->batch);
    return count;
}

static PyObject *loop_turn(Loop *self, PyObject *clock) {
    int total = 0, unanswered = 0;
    while (total < DATAGRAMS && !unanswered) {
        int count = turn_batch(self, clock, &unanswered);
        if (count < 0)
            return NULL;
        if (count == 0)
            Py_RETURN_TRUE;
        total += count;
    }
    Py_RETURN_FALSE;
}

/* The direct answers since the last time: (owner, qtype, DO, rcode, octets of query and answer, how many). */
static PyObject *loop_drain(Loop *self, PyObject *unused) {
    (void)unused;
    PyObject *drained = PyList_New(0);
    for (size_t at = 0; drained != NULL && at < TALLIES; at++) {
        const Tally *tally = &self->tallies[at];
        if (tally->hits == 0)
            continue;
        PyObject *told = Py_BuildValue("(OIOIIIK)", tally->owner, tally->qtype, tally->dnssec ? Py_True : Py_False,
                                       tally->rcode, tally->query_octets, tally->answer_octets, tally->hits);
        if (told == NULL || PyList_Append(drained, told) < 0)
            Py_CLEAR(drained);
        Py_XDECREF(told);
    }
    if (drained != NULL)
        forget_tallies(self);
    return drained;
}

/* Where a datagram came from, as Batch.origin tells it. */
static PyObject *loop_origin(Loop *self, PyObject *argument) {
    unsigned long number = PyLong_AsUnsignedLong(argument);
    if (PyErr_Occurred())
        return NULL;
    if (number >= self->batch.used) {
        PyErr_SetString(PyExc_IndexError, "no such datagram");
        return NULL;
    }
    const struct msghdr *head = &self->batch.received[number].msg_hdr;
    return Py_BuildValue("(y#y#n)", head->msg_name, (Py_ssize_t)DATAGRAMS_NAME_OCTETS,
                         self->batch.control_octets ? head->msg_control : "", (Py_ssize_t)self->batch.control_octets,
                         (Py_ssize_t)head->msg_controllen);
}

static PyMethodDef loop_methods[] = {
    {"origin", (PyCFunction)loop_origin, METH_O, NULL},
    {"drain", (PyCFunction)loop_drain, METH_NOARGS, NULL},
    {"turn", (PyCFunction)loop_turn, METH_O, NULL},
    {0},
};
static PyMemberDef loop_members[] = {
    {"tallied", T_LONGLONG, offsetof(Loop, tallied), READONLY, NULL},
    {"unsent", T_LONGLONG, offsetof(Loop, unsent), 0, NULL},
    {0},
};
static PyType_Slot loop_slots[] = {
    {Py_tp_new, loop_new},
    {Py_tp_dealloc, loop_dealloc},
    {Py_tp_traverse, loop_traverse},
    {Py_tp_clear, loop_clear},
    {Py_tp_methods, loop_methods},
    {Py_tp_members, loop_members},
    {0},
};
PyType_Spec loop_spec = {
    "splitdns._native.Loop", sizeof(Loop), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, loop_slots,
};
