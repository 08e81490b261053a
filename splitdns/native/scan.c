/* The key of a question: wire/scan.py's `key`. */
#include "native.h"

#include <string.h>

enum { HEADER = 12, TAIL = 4, OPT = 11, MIN_PAYLOAD = 512 };
enum { QR_OPCODE = 0xF8, RD = 0x01, AD_CD = 0x30, TCP = 0x02, EDNS = 0x04, LARGE = 0x08, DO = 0x80 };

static const uint8_t plain[] = {0, 1, 0, 0, 0, 0, 0}; /* of the four counts, all but how many additional ones */

/* Where the question ends, and what the OPT record adds to the first octet; 0: it goes the long way. */
static size_t take_opt(const uint8_t *wire, size_t octets, long payload_octets, uint8_t *head) {
    if (wire[11] == 0)
        return octets;
    if (octets < HEADER + OPT)
        return 0;
    const uint8_t *opt = wire + octets - OPT;
    long offered = opt[3] << 8 | opt[4];
    if (opt[0] || opt[1] || opt[2] != 41 || opt[5] || opt[6] || opt[9] || opt[10])
        return 0;
    *head |= EDNS | (opt[7] & DO);
    if (offered >= payload_octets)
        *head |= LARGE;
    else if (offered > MIN_PAYLOAD)
        return 0;
    return octets - OPT;
}

PyObject *key(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (count != 3 || !PyBytes_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "expected a query, how it came, and our EDNS size");
        return NULL;
    }
    const uint8_t *wire = octets_of(args[0]);
    size_t octets = (size_t)PyBytes_Size(args[0]);
    long payload_octets = PyLong_AsLong(args[2]);
    if (payload_octets == -1 && PyErr_Occurred())
        return NULL;
    if (octets < HEADER || wire[2] & QR_OPCODE || memcmp(wire + 4, plain, sizeof plain) || wire[11] > 1)
        Py_RETURN_NONE;
    uint8_t head = (wire[2] & RD) | (wire[3] & AD_CD);
    if (PyUnicode_CompareWithASCIIString(args[1], "tcp") == 0)
        head |= TCP;
    size_t end = take_opt(wire, octets, payload_octets, &head);
    if (end <= HEADER + TAIL)
        Py_RETURN_NONE;
    PyObject *made = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(1 + end - HEADER));
    if (made == NULL)
        return NULL;
    uint8_t *at = (uint8_t *)PyBytes_AsString(made);
    *at++ = head;
    for (size_t from = HEADER; from < end - TAIL; from++)
        *at++ = wire[from] >= 'A' && wire[from] <= 'Z' ? wire[from] | 0x20 : wire[from];
    memcpy(at, wire + end - TAIL, TAIL);
    return made;
}
