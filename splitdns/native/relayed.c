/* Questions that are relayed by octets: forward/relay.py's Relayed, and the turns of its sockets.
 *
 * All that a query on its way has to do with (ports, readers, deadlines, what is on its way) is Python's, and shared
 * with whatever else asks upstreams. What is not read here, and whatever else happens, is forward/relay.py's. */
#include "native.h"
#include "relay.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { RECEIVE_OCTETS = 65535, READY_A_TURN = 64, SLOTS_A_SECOND = 256 }; /* as in readers.py and deadlines.py */

/* What all questions of one worker have in common; in the order in which forward/parts.py hands it over. */
typedef struct {
    PyObject_HEAD
    PyObject *module; /* whose state `of` is */
    types *of;
    PyObject *relay, *readers, *callbacks, *slots, *slot, *unsent, *soon, *leaving, *under_way;
    PyObject *ports, *random, *page, *clock, *said, *durations, *pulses;
    PyObject *reply, *rrset, *soa, *proofs, *bounds;
    PyObject *health, *traits, *in_order, *udp, *running;
    PyObject *loop, *time; /* the loop that runs, and its clock */
    uint8_t *buffer; /* of the datagram that is being read */
    double patience_s;
    double bounds_s[MAX_BOUNDS];
    Py_ssize_t bounds_count;
} Relays;

typedef struct {
    PyObject_HEAD
    Relays *all;
    PyObject *question, *upstreams, *upstream, *traits, *done;
    PyObject *wire;    /* bytes: the query as it leaves */
    PyObject *leaving; /* (name as it is spelled, type) */
    PyObject *port;    /* NULL: it waits no more */
    PyObject *slot, *asking, *waiting;
    double sent_s, asked_s, wait_s;
    int descriptor;
} Relayed;

enum { QUESTION_NAME, QUESTION_TYPE, QUESTION_DO, QUESTION_CD }; /* of query.Question */

static double number(PyObject *callable) {
    PyObject *told = PyObject_CallNoArgs(callable);
    double found = told == NULL ? -1.0 : PyFloat_AsDouble(told);
    Py_XDECREF(told);
    return found;
}

static int is_bytes(PyObject *object, size_t limit) {
    if (!PyBytes_Check(object) || (size_t)PyBytes_Size(object) > limit) {
        PyErr_SetString(PyExc_ValueError, "expected so many octets");
        return 0;
    }
    return 1;
}

/* --- the query -------------------------------------------------------------------------------------------- */

/* A question as relay.c has it; 0 with an error. Its octets are the object's. */
static int read_question(PyObject *from, relay_question *question) {
    PyObject *name = PyTuple_GetItem(from, QUESTION_NAME), *qtype = PyTuple_GetItem(from, QUESTION_TYPE);
    PyObject *dnssec = PyTuple_GetItem(from, QUESTION_DO), *unchecked = PyTuple_GetItem(from, QUESTION_CD);
    if (unchecked == NULL || !is_bytes(name, RELAY_NAME))
        return 0;
    *question = (relay_question){.name = octets_of(name), .name_octets = (size_t)PyBytes_Size(name)};
    question->qtype = (unsigned)PyLong_AsUnsignedLong(qtype);
    question->dnssec = PyObject_IsTrue(dnssec);
    question->unchecked = PyObject_IsTrue(unchecked);
    return !PyErr_Occurred();
}

/* Put the cookie that the upstream gets into `cookie`, of RELAY_COOKIE octets; 0 with an error. */
static int put_cookie(Relayed *self, relay_question *question, uint8_t *cookie) {
    Relays *all = self->all;
    PyObject *client = PyObject_GetAttr(self->traits, all->of->names[CLIENT_COOKIE]);
    PyObject *server = PyObject_GetAttr(self->traits, all->of->names[SERVER_COOKIE]);
    int taken = client != NULL && server != NULL && is_bytes(client, 8) && is_bytes(server, RELAY_COOKIE - 8);
    if (taken) {
        size_t client_octets = (size_t)PyBytes_Size(client), server_octets = (size_t)PyBytes_Size(server);
        memcpy(cookie, octets_of(client), client_octets);
        memcpy(cookie + client_octets, octets_of(server), server_octets);
        question->cookie = cookie;
        question->cookie_octets = client_octets + server_octets;
    }
    Py_XDECREF(client);
    Py_XDECREF(server);
    return taken;
}

/* Random octets, which stand in `held` if they are from Python; NULL with an error. */
static const uint8_t *draw(Relays *all, size_t octets, PyObject **held) {
    if (Py_IS_TYPE(all->page, all->of->page))
        return page_draw((Page *)all->page, octets);
    *held = PyObject_CallMethod(all->random, "randbytes", "n", (Py_ssize_t)octets);
    if (*held == NULL)
        return NULL;
    if (PyBytes_Check(*held) && (size_t)PyBytes_Size(*held) == octets)
        return octets_of(*held);
    Py_CLEAR(*held);
    PyErr_SetString(PyExc_ValueError, "expected so many random octets");
    return NULL;
}

/* Draw an id and letters, and write the query; 0 with an error. */
static int write_query(Relayed *self) {
    relay_question question;
    uint8_t cookie[RELAY_COOKIE], query[RELAY_QUERY];
    if (!read_question(self->question, &question) || !put_cookie(self, &question, cookie))
        return 0;
    PyObject *held = NULL;
    const uint8_t *drawn = draw(self->all, 2 + question.name_octets, &held);
    if (drawn == NULL)
        return 0;
    size_t octets = relay_write(&question, drawn, query);
    Py_XDECREF(held);
    self->wire = PyBytes_FromStringAndSize((const char *)query, (Py_ssize_t)octets);
    PyObject *spelled = PyBytes_FromStringAndSize((const char *)query + RELAY_HEADER, (Py_ssize_t)question.name_octets);
    if (self->wire != NULL && spelled != NULL)
        self->leaving = PyTuple_Pack(2, spelled, PyTuple_GetItem(self->question, QUESTION_TYPE));
    Py_XDECREF(spelled);
    return self->leaving != NULL;
}

/* Have this read when something comes; -1 with an error. */
static int watch(Relayed *self, PyObject *port) {
    Relays *all = self->all;
    int watched = -1;
    PyObject *loop = PyObject_GetAttr(all->readers, all->of->names[LOOP]);
    PyObject *descriptor = PyObject_GetAttr(port, all->of->names[DESCRIPTOR]);
    if (loop != NULL && descriptor != NULL) {
        self->descriptor = (int)PyLong_AsLong(descriptor);
        int known = loop == all->loop ? PyDict_Contains(all->callbacks, descriptor) : 0;
        if (known == 1) {
            watched = PyDict_SetItem(all->callbacks, descriptor, (PyObject *)self);
        } else if (known == 0) {
            PyObject *added = PyObject_CallMethod(all->readers, "add", "OO", descriptor, self);
            watched = added == NULL ? -1 : 0;
            Py_XDECREF(added);
        }
    }
    Py_XDECREF(loop);
    Py_XDECREF(descriptor);
    return watched;
}

/* Put this where it rings when it takes longer than usual; -1 with an error. */
static int set_deadline(Relayed *self) {
    Relays *all = self->all;
    double time_s = self->sent_s + self->wait_s;
    long long slot = (long long)(time_s * SLOTS_A_SECOND);
    slot += (double)slot < time_s * SLOTS_A_SECOND; /* none is early */
    PyObject *key = PyLong_FromLongLong(slot);
    if (key == NULL)
        return -1;
    PyObject *found = Py_XNewRef(PyDict_GetItemWithError(all->slots, key));
    Py_DECREF(key);
    if (found == NULL && !PyErr_Occurred())
        found = PyObject_CallFunction(all->slot, "d", time_s);
    if (found == NULL)
        return -1;
    put(&self->slot, found);
    return PyDict_SetItem(found, (PyObject *)self, Py_None);
}

/* Have the query leave with what else does in this turn; -1 with an error. */
static int leave(Relayed *self, PyObject *port) {
    Relays *all = self->all;
    if (PyList_Size(all->unsent) == 0) {
        PyObject *told = PyObject_CallNoArgs(all->soon);
        if (told == NULL)
            return -1;
        Py_DECREF(told);
    }
    PyObject *sock = PyObject_GetAttr(port, all->of->names[SOCK]);
    PyObject *entry = sock == NULL ? NULL : PyTuple_Pack(3, sock, self->wire, (PyObject *)self);
    int left = entry == NULL ? -1 : PyList_Append(all->unsent, entry);
    Py_XDECREF(sock);
    Py_XDECREF(entry);
    return left;
}

/* Call with a port, while an error is set that stays. */
static void drop_port(Relays *all, PyObject *port) {
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyObject *dropped = PyObject_CallMethod(all->ports, "drop", "O", port);
    if (dropped == NULL)
        PyErr_Clear();
    Py_XDECREF(dropped);
    PyErr_Restore(type, error, traceback);
}

static PyObject *relayed_send(Relayed *self, PyObject *unused) {
    (void)unused;
    Relays *all = self->all;
    PyObject *port = take_port(all->of, all->ports, self->upstream, self->sent_s);
    if (port == NULL)
        return NULL;
    if (watch(self, port) < 0) {
        drop_port(all, port);
        Py_DECREF(port);
        return NULL;
    }
    put(&self->port, port);
    if (set_deadline(self) < 0 || leave(self, port) < 0 ||
        PyDict_SetItem(all->leaving, self->leaving, self->upstream) < 0 ||
        PySet_Add(all->under_way, (PyObject *)self) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* --- the response ----------------------------------------------------------------------------------------- */

/* Take a key out of a dict, if it is there; -1 with an error. */
static int take_out(PyObject *dict, PyObject *key) {
    if (PyDict_DelItem(dict, key) == 0)
        return 0;
    if (!PyErr_ExceptionMatches(PyExc_KeyError))
        return -1;
    PyErr_Clear();
    return 0;
}

/* Wait no more; the port, once. NULL with an error, or without. */
static PyObject *let_go(Relayed *self) {
    Relays *all = self->all;
    PyObject *port = self->port;
    self->port = NULL;
    if (port == NULL)
        return NULL;
    if (take_out(self->slot, (PyObject *)self) < 0 || take_out(all->leaving, self->leaving) < 0 ||
        PySet_Discard(all->under_way, (PyObject *)self) < 0)
        Py_CLEAR(port);
    return port;
}

/* Count a reply, and what it shows of the upstream; -1 with an error. */
static int count_said(Relayed *self, PyObject *reply) {
    Relays *all = self->all;
    PyObject *told = PyObject_GetAttr(reply, all->of->names[RCODE]);
    long rcode = told == NULL ? -1 : PyLong_AsLong(told);
    Py_XDECREF(told);
    Pulse *pulse = (Pulse *)PyDict_GetItemWithError(all->pulses, self->upstream);
    if (PyErr_Occurred())
        return -1;
    if (pulse == NULL || !Py_IS_TYPE((PyObject *)pulse, all->of->pulse) || pulse->failures || rcode < 0 ||
        rcode >= RCODES) { /* perhaps there is news about it */
        told = PyObject_CallFunction(all->said, "OOd", self->upstream, reply, self->asked_s);
        Py_XDECREF(told);
        return told == NULL ? -1 : 0;
    }
    double now_s = number(all->clock);
    if (pulse->durations[rcode] == NULL)
        pulse->durations[rcode] = PyObject_CallFunction(all->durations, "Ol", self->upstream, rcode);
    if (pulse->durations[rcode] == NULL || PyErr_Occurred())
        return -1;
    pulse_beats(pulse, self->asked_s, now_s);
    return observe(all->of, pulse->durations[rcode], all->bounds_s, all->bounds_count, now_s - self->asked_s);
}

/* Its question has this reply: all that has to be done about it; -1 with an error. */
static int land(Relayed *self, PyObject *reply) {
    Relays *all = self->all;
    PyObject *port = let_go(self);
    if (port == NULL)
        return PyErr_Occurred() ? -1 : 0;
    double now_s = number(all->time);
    int given = PyErr_Occurred() ? -1 : give_port_back(all->of, all->ports, port, now_s);
    Py_DECREF(port);
    if (given < 0 || count_said(self, reply) < 0)
        return -1;
    PyObject *done = self->done; /* whoever asked holds this, and is not held by it */
    self->done = NULL;
    if (done == NULL)
        return 0;
    PyObject *told = PyObject_CallFunctionObjArgs(done, reply, NULL);
    Py_DECREF(done);
    Py_XDECREF(told);
    return told == NULL ? -1 : 0;
}

/* Whether the upstream may say this, by its cookie, and what that shows of it; -1 with an error. */
static int accepted(Relayed *self, const relay_said *said) {
    Relays *all = self->all;
    int accepts;
    if (said->cookie_octets == 0) {
        PyObject *server = PyObject_GetAttr(self->traits, all->of->names[SERVER_COOKIE]);
        if (server == NULL)
            return -1;
        accepts = PyObject_Size(server) == 0;
        Py_DECREF(server);
    } else {
        PyObject *told =
            PyObject_CallMethod(self->traits, "accepts", "y#", said->cookie, (Py_ssize_t)said->cookie_octets);
        accepts = told == NULL ? -1 : PyObject_IsTrue(told);
        Py_XDECREF(told);
    }
    if (accepts == 1 && said->edns && PyObject_SetAttr(self->traits, all->of->names[KNOWS_EDNS], Py_True) < 0)
        return -1;
    return accepts;
}

/* The addresses without those that are there twice (RFC 2181 5). */
static PyObject *addresses(const relay_said *said) {
    size_t octets = said->address_octets;
    PyObject *list = PyList_New(0);
    for (unsigned number = 0; list != NULL && number < said->count; number++) {
        const uint8_t *address = relay_address(said, number);
        unsigned former = 0;
        while (former < number && memcmp(relay_address(said, former), address, octets))
            former++;
        if (former < number)
            continue;
        PyObject *one = PyBytes_FromStringAndSize((const char *)address, (Py_ssize_t)octets);
        if (one == NULL || PyList_Append(list, one) < 0)
            Py_CLEAR(list);
        Py_XDECREF(one);
    }
    PyObject *tuple = list == NULL ? NULL : PyList_AsTuple(list);
    Py_XDECREF(list);
    return leaf(tuple);
}

/* The RRset that is said: the addresses, or the SOA of a denial. */
static PyObject *records(Relayed *self, const relay_said *said) {
    Relays *all = self->all;
    PyObject *made = NULL, *owner, *rdtype, *rdatas;
    if (said->count) {
        owner = Py_XNewRef(PyTuple_GetItem(self->question, QUESTION_NAME));
        rdtype = PyTuple_GetItem(self->question, QUESTION_TYPE);
        rdatas = addresses(said);
    } else {
        owner = PyBytes_FromStringAndSize((const char *)said->owner, (Py_ssize_t)said->owner_octets);
        rdtype = all->soa;
        rdatas = leaf(Py_BuildValue("(y#)", said->rdata, (Py_ssize_t)said->rdata_octets));
    }
    PyObject *ttl_s = PyLong_FromUnsignedLong(said->ttl_s);
    if (owner != NULL && rdtype != NULL && rdatas != NULL && ttl_s != NULL)
        made = leaf(PyObject_CallFunctionObjArgs(all->rrset, owner, rdtype, ttl_s, rdatas, NULL));
    Py_XDECREF(owner);
    Py_XDECREF(rdatas);
    Py_XDECREF(ttl_s);
    return made;
}

static PyObject *reply_of(Relayed *self, const relay_said *said, int dnssec) {
    Relays *all = self->all;
    PyObject *rrset = records(self, said);
    PyObject *rcode = PyLong_FromLong((long)said->rcode), *nothing = PyTuple_New(0), *made = NULL;
    PyObject *answer = rrset == NULL ? NULL : said->count ? leaf(PyTuple_Pack(1, rrset)) : Py_XNewRef(nothing);
    PyObject *proof = dnssec ? PyTuple_GetItem(all->proofs, said->claimed) : Py_None;
    if (answer != NULL && rcode != NULL && nothing != NULL && proof != NULL)
        made = leaf(PyObject_CallFunctionObjArgs(all->reply, rcode, answer, said->count ? Py_None : rrset, nothing,
                                                 proof, NULL));
    Py_XDECREF(rrset);
    Py_XDECREF(rcode);
    Py_XDECREF(nothing);
    Py_XDECREF(answer);
    return made;
}

/* Call a method of forward/relay.py with this and something else, which is taken; -1 with an error. */
static int have_relay(Relayed *self, const char *method, PyObject *with) {
    PyObject *told = with == NULL ? NULL : PyObject_CallMethod(self->all->relay, method, "OO", self, with);
    Py_XDECREF(with);
    Py_XDECREF(told);
    return told == NULL ? -1 : 0;
}

/* Look at a datagram; -1 with an error. */
static int look(Relayed *self, size_t octets) {
    Relays *all = self->all;
    relay_question question;
    relay_said said;
    if (!read_question(self->question, &question))
        return -1;
    if (relay_read(&question, octets_of(self->wire), all->buffer, octets, &said)) {
        int may = accepted(self, &said);
        if (may < 0)
            return -1;
        if (may) {
            PyObject *reply = reply_of(self, &said, question.dnssec);
            int landed = reply == NULL ? -1 : land(self, reply);
            Py_XDECREF(reply);
            return landed;
        }
    }
    return have_relay(self, "look", PyBytes_FromStringAndSize((const char *)all->buffer, (Py_ssize_t)octets));
}

/* Read what has come; -1 with an error. */
static int relayed_read(Relayed *self) {
    ssize_t octets;
    if (self->port == NULL)
        return 0;
    do
        octets = recv(self->descriptor, self->all->buffer, RECEIVE_OCTETS, MSG_DONTWAIT);
    while (octets < 0 && errno == EINTR);
    if (octets >= 0)
        return look(self, (size_t)octets);
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return 0;
    return have_relay(self, "fail", PyObject_CallFunction(PyExc_OSError, "is", errno, strerror(errno)));
}

/* --- Relayed: a question on its way ----------------------------------------------------------------------- */

static PyObject *none_or_error(int done) {
    if (done < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *relayed_call(Relayed *self, PyObject *args, PyObject *kwargs) {
    (void)args, (void)kwargs;
    return none_or_error(relayed_read(self));
}

static PyObject *relayed_land(Relayed *self, PyObject *reply) { return none_or_error(land(self, reply)); }

static PyObject *relayed_let_go(Relayed *self, PyObject *unused) {
    (void)unused;
    PyObject *port = let_go(self);
    if (port != NULL || PyErr_Occurred())
        return port;
    Py_RETURN_NONE;
}

static PyObject *relayed_fail(Relayed *self, PyObject *error) {
    return PyObject_CallMethod(self->all->relay, "fail", "OO", self, error);
}

static PyObject *relayed_cancel(Relayed *self, PyObject *unused) {
    (void)unused;
    return PyObject_CallMethod(self->all->relay, "cancel", "O", self);
}

static PyObject *relayed_ring(Relayed *self, PyObject *unused) {
    (void)unused;
    return PyObject_CallMethod(self->all->relay, "ring", "O", self);
}

static int relayed_traverse(Relayed *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE((PyObject *)self));
    Py_VISIT((PyObject *)self->all);
    Py_VISIT(self->question);
    Py_VISIT(self->upstreams);
    Py_VISIT(self->upstream);
    Py_VISIT(self->traits);
    Py_VISIT(self->done);
    Py_VISIT(self->port);
    Py_VISIT(self->slot);
    Py_VISIT(self->asking);
    Py_VISIT(self->waiting);
    return 0;
}

static int relayed_clear(Relayed *self) {
    Py_CLEAR(self->done);
    Py_CLEAR(self->asking);
    Py_CLEAR(self->waiting);
    return 0;
}

static void relayed_dealloc(Relayed *self) {
    PyObject_GC_UnTrack(self);
    relayed_clear(self);
    Py_CLEAR(self->question);
    Py_CLEAR(self->upstreams);
    Py_CLEAR(self->upstream);
    Py_CLEAR(self->traits);
    Py_CLEAR(self->port);
    Py_CLEAR(self->slot);
    Py_CLEAR(self->wire);
    Py_CLEAR(self->leaving);
    PyObject *all = (PyObject *)self->all;
    self->all = NULL;
    Py_XDECREF(all);
    destroy((PyObject *)self);
}

static PyMethodDef relayed_methods[] = {
    {"send", (PyCFunction)relayed_send, METH_NOARGS, NULL},
    {"land", (PyCFunction)relayed_land, METH_O, NULL},
    {"let_go", (PyCFunction)relayed_let_go, METH_NOARGS, NULL},
    {"fail", (PyCFunction)relayed_fail, METH_O, NULL},
    {"cancel", (PyCFunction)relayed_cancel, METH_NOARGS, NULL},
    {"ring", (PyCFunction)relayed_ring, METH_NOARGS, NULL},
    {0},
};
static PyMemberDef relayed_members[] = {
    {"question", T_OBJECT, offsetof(Relayed, question), READONLY, NULL},
    {"upstreams", T_OBJECT, offsetof(Relayed, upstreams), READONLY, NULL},
    {"upstream", T_OBJECT, offsetof(Relayed, upstream), READONLY, NULL},
    {"traits", T_OBJECT, offsetof(Relayed, traits), READONLY, NULL},
    {"wire", T_OBJECT, offsetof(Relayed, wire), READONLY, NULL},
    {"port", T_OBJECT, offsetof(Relayed, port), READONLY, NULL},
    {"done", T_OBJECT, offsetof(Relayed, done), 0, NULL},
    {"asking", T_OBJECT, offsetof(Relayed, asking), 0, NULL},
    {"waiting", T_OBJECT, offsetof(Relayed, waiting), 0, NULL},
    {"sent_s", T_DOUBLE, offsetof(Relayed, sent_s), READONLY, NULL},
    {"asked_s", T_DOUBLE, offsetof(Relayed, asked_s), READONLY, NULL},
    {"wait_s", T_DOUBLE, offsetof(Relayed, wait_s), READONLY, NULL},
    {0},
};
static PyType_Slot relayed_slots[] = {
    {Py_tp_dealloc, relayed_dealloc},
    {Py_tp_traverse, relayed_traverse},
    {Py_tp_clear, relayed_clear},
    {Py_tp_call, relayed_call},
    {Py_tp_methods, relayed_methods},
    {Py_tp_members, relayed_members},
    {0},
};
PyType_Spec relayed_spec = {
    "splitdns._native.Relayed", sizeof(Relayed), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, relayed_slots,
};

/* --- Relays: what makes them ------------------------------------------------------------------------------ */

/* Whose clock it is that runs; -1 with an error. */
static int run_on(Relays *self, PyObject *loop) {
    PyObject *time = PyObject_GetAttrString(loop, "time");
    if (time == NULL)
        return -1;
    put(&self->time, time);
    put(&self->loop, Py_NewRef(loop));
    return 0;
}

enum { RELAYED_ARGUMENTS = 8 };

static PyObject *relays_relayed(Relays *self, PyObject *const *args, Py_ssize_t count) {
    if (count != RELAYED_ARGUMENTS || !PyTuple_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "expected what a question is asked by");
        return NULL;
    }
    if (self->loop != args[5] && run_on(self, args[5]) < 0)
        return NULL;
    Relayed *relayed = (Relayed *)made(self->of->relayed);
    if (relayed == NULL)
        return NULL;
    relayed->all = (Relays *)Py_NewRef((PyObject *)self);
    relayed->question = Py_NewRef(args[0]);
    relayed->upstreams = Py_NewRef(args[1]);
    relayed->upstream = Py_NewRef(args[2]);
    relayed->traits = Py_NewRef(args[3]);
    relayed->done = Py_NewRef(args[4]);
    relayed->sent_s = PyFloat_AsDouble(args[6]);
    relayed->wait_s = PyFloat_AsDouble(args[7]);
    relayed->asked_s = number(self->clock);
    if (PyErr_Occurred() || !write_query(relayed))
        Py_CLEAR(relayed);
    return (PyObject *)relayed;
}

/* What is handed over, from `relay` on: a dict, a list, a set, a tuple, or another object. */
static const char handed_over[] = "ooddolodsoooooodooottodooo";

static int is_kind(PyObject *object, char kind) {
    switch (kind) {
    case 'd': return PyDict_Check(object);
    case 'l': return PyList_Check(object);
    case 's': return PyAnySet_Check(object);
    case 't': return PyTuple_Check(object);
    default: return 1;
    }
}

static PyObject *relays_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    const Py_ssize_t count = sizeof handed_over - 1;
    PyObject *given;
    double patience_s;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "O!d:Relays", &PyTuple_Type, &given, &patience_s))
        return NULL;
    int fits = PyTuple_Size(given) == count;
    for (Py_ssize_t at = 0; fits && at < count; at++)
        fits = is_kind(PyTuple_GetItem(given, at), handed_over[at]);
    if (!fits) {
        PyErr_SetString(PyExc_TypeError, "expected what forward/parts.py hands over");
        return NULL;
    }
    Relays *self = (Relays *)made(type);
    if (self == NULL)
        return NULL;
    PyObject **each = &self->relay; /* the first of them; they are in order */
    for (Py_ssize_t at = 0; at < count; at++)
        each[at] = Py_NewRef(PyTuple_GetItem(given, at));
    self->of = PyType_GetModuleState(type);
    self->module = Py_XNewRef(PyType_GetModule(type));
    self->buffer = room_for(RECEIVE_OCTETS, 1);
    self->patience_s = patience_s;
    if (self->of == NULL || self->buffer == NULL || !read_bounds(self->bounds, self->bounds_s, &self->bounds_count))
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int relays_traverse(Relays *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE((PyObject *)self));
    Py_VISIT(self->module);
    for (PyObject **each = &self->relay; each <= &self->time; each++)
        Py_VISIT(*each);
    return 0;
}

static int relays_clear(Relays *self) {
    for (PyObject **each = &self->relay; each <= &self->time; each++)
        Py_CLEAR(*each);
    return 0;
}

static void relays_dealloc(Relays *self) {
    PyObject_GC_UnTrack(self);
    relays_clear(self);
    Py_CLEAR(self->module);
    PyMem_Free(self->buffer);
    destroy((PyObject *)self);
}

static double double_of(PyObject *object, PyObject *name) {
    PyObject *found = PyObject_GetAttr(object, name);
    double number = found == NULL ? -1.0 : PyFloat_AsDouble(found);
    Py_XDECREF(found);
    return number;
}

/* Whether an attribute is that object; also where there is none, with an error. */
static int is_it(PyObject *object, PyObject *name, PyObject *expected) {
    PyObject *found = PyObject_GetAttr(object, name);
    Py_XDECREF(found);
    return found == expected || found == NULL;
}

/* The upstream that is asked first, borrowed, and how many there are; NULL: an error, or not the usual way. */
static PyObject *first_of(Relays *self, PyObject *upstreams, Py_ssize_t *count) {
    PyObject **names = self->of->names;
    PyObject *order = PyObject_GetAttr(upstreams, names[UPSTREAMS]); /* which keeps it */
    PyObject *first = NULL, *down = PyObject_GetAttr(self->health, names[DOWN]);
    *count = order == NULL ? 0 : PyTuple_Size(order);
    if (*count > 0 && down != NULL && PyObject_IsTrue(down) == 0 &&
        (*count == 1 || is_it(upstreams, names[STRATEGY], self->in_order)))
        first = PyTuple_GetItem(order, 0);
    Py_XDECREF(order);
    Py_XDECREF(down);
    return first != NULL && is_it(first, names[CARRIER], self->udp) && !PyErr_Occurred() ? first : NULL;
}

/* How long it may take before that is longer than usual; 0 with an error. */
static double wait_for(Relays *self, PyObject *upstreams, PyObject *upstream, Py_ssize_t count) {
    Pulse *pulse = (Pulse *)PyDict_GetItemWithError(self->pulses, upstream);
    double timeout_s = double_of(upstreams, self->of->names[TIMEOUT_S]), share_s = self->patience_s / (double)count;
    double wait_s = PULSE_FIRST_WAIT_S;
    if (pulse != NULL)
        wait_s = Py_IS_TYPE((PyObject *)pulse, self->of->pulse) ? pulse->wait_s : 0;
    wait_s = wait_s > timeout_s ? timeout_s : wait_s;
    return PyErr_Occurred() ? 0 : wait_s > share_s ? share_s : wait_s;
}

/* As forward/relay.py's Relay.begin, for what is usual; else None. */
static PyObject *relays_begin(Relays *self, PyObject *const *args, Py_ssize_t count) {
    Py_ssize_t upstreams_count;
    if (count != 3) {
        PyErr_SetString(PyExc_TypeError, "expected a question, upstreams, and who wants to know");
        return NULL;
    }
    PyObject *question = args[0], *upstreams = args[1], *upstream = first_of(self, upstreams, &upstreams_count);
    PyObject *traits = upstream == NULL ? NULL : PyDict_GetItemWithError(self->traits, upstream);
    if (traits == NULL)
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
    PyObject *loop = PyObject_CallNoArgs(self->running);
    if (loop == NULL || (self->loop != loop && run_on(self, loop) < 0)) {
        Py_XDECREF(loop);
        return NULL;
    }
    PyObject *now = PyObject_CallNoArgs(self->time), *wait = NULL, *relayed = NULL;
    double now_s = now == NULL ? -1.0 : PyFloat_AsDouble(now);
    int takes_all = double_of(traits, self->of->names[AS_IS_UNTIL_S]) <= now_s &&
                    double_of(traits, self->of->names[WITHOUT_EDNS_UNTIL_S]) <= now_s;
    double wait_s = PyErr_Occurred() || !takes_all ? 0 : wait_for(self, upstreams, upstream, upstreams_count);
    if (wait_s > 0 && (wait = PyFloat_FromDouble(wait_s)) != NULL) {
        PyObject *asked[RELAYED_ARGUMENTS] = {question, upstreams, upstream, traits, args[2], loop, now, wait};
        relayed = relays_relayed(self, asked, RELAYED_ARGUMENTS);
    }
    Py_DECREF(loop);
    Py_XDECREF(now);
    Py_XDECREF(wait);
    return relayed != NULL || PyErr_Occurred() ? relayed : Py_NewRef(Py_None);
}

static PyMethodDef relays_methods[] = {
    {"begin", (PyCFunction)(void (*)(void))relays_begin, METH_FASTCALL, NULL},
    {"relayed", (PyCFunction)(void (*)(void))relays_relayed, METH_FASTCALL, NULL},
    {0},
};
static PyType_Slot relays_slots[] = {
    {Py_tp_new, relays_new},
    {Py_tp_dealloc, relays_dealloc},
    {Py_tp_traverse, relays_traverse},
    {Py_tp_clear, relays_clear},
    {Py_tp_methods, relays_methods},
    {0},
};
PyType_Spec relays_spec = {
    "splitdns._native.Relays", sizeof(Relays), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, relays_slots,
};

/* --- turns of sockets ------------------------------------------------------------------------------------- */

PyObject *drain(PyObject *module, PyObject *args) {
    types *of = PyModule_GetState(module);
    struct epoll_event events[READY_A_TURN];
    PyObject *callbacks;
    int epoll;
    if (!PyArg_ParseTuple(args, "iO!:drain", &epoll, &PyDict_Type, &callbacks))
        return NULL;
    int ready = epoll_wait(epoll, events, READY_A_TURN, 0);
    if (ready < 0 && errno != EINTR)
        return PyErr_SetFromErrno(PyExc_OSError);
    for (int at = 0; at < ready; at++) {
        PyObject *key = PyLong_FromLong(events[at].data.fd);
        if (key == NULL)
            return NULL;
        /* One before it may have removed it. */
        PyObject *callback = Py_XNewRef(PyDict_GetItemWithError(callbacks, key));
        Py_DECREF(key);
        if (callback == NULL) {
            if (PyErr_Occurred())
                return NULL;
            continue;
        }
        int failed;
        if (Py_IS_TYPE(callback, of->relayed)) {
            failed = relayed_read((Relayed *)callback) < 0;
        } else {
            PyObject *told = PyObject_CallNoArgs(callback);
            failed = told == NULL;
            Py_XDECREF(told);
        }
        Py_DECREF(callback);
        if (failed)
            return NULL;
    }
    Py_RETURN_NONE;
}

/* Send one datagram; -1 with an error. */
static int send_one(PyObject *entry) {
    PyObject *sock, *wire, *sender;
    if (!PyArg_ParseTuple(entry, "OSO", &sock, &wire, &sender))
        return -1;
    PyObject *told = PyObject_CallMethod(sock, "fileno", NULL); /* -1: it is closed */
    if (told == NULL)
        return -1;
    int descriptor = (int)PyLong_AsLong(told);
    Py_DECREF(told);
    ssize_t sent;
    do
        sent = send(descriptor, PyBytes_AsString(wire), (size_t)PyBytes_Size(wire), MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return 0;
    PyObject *error = PyObject_CallFunction(PyExc_OSError, "is", errno, strerror(errno));
    told = error == NULL ? NULL : PyObject_CallMethod(sender, "fail", "O", error);
    Py_XDECREF(error);
    Py_XDECREF(told);
    return told == NULL ? -1 : 0;
}

PyObject *send_all(PyObject *module, PyObject *unsent) {
    (void)module;
    if (!PyList_Check(unsent)) {
        PyErr_SetString(PyExc_TypeError, "expected a list");
        return NULL;
    }
    for (Py_ssize_t at = 0; at < PyList_Size(unsent); at++) {
        PyObject *entry = Py_NewRef(PyList_GetItem(unsent, at));
        int sent = send_one(entry);
        Py_DECREF(entry);
        if (sent < 0)
            return NULL;
    }
    Py_RETURN_NONE;
}
