/* Asks a name server as fast as it answers, or at an even pace, and checks every answer.
 *
 *   generator [OPTION…] SERVER PORT ADDRESS[+COUNT]=FILE…
 *
 * Each ADDRESS with the COUNT - 1 after it are clients that ask what FILE has, from the top and again. A file is a
 * row of records: the query's length (2 octets, the highest first), the rcode that its answer has to have (1), how
 * many records at least (1), the address in the first of them (4; 0.0.0.0: any), the query.
 *
 *   --seconds S      how long to ask (1)
 *   --limit N        ask N times, and then end
 *   --once           ask all that the files have, and then end
 *   --skip N         begin with the record after so many
 *   --rate N         an even pace of N each second, and how long the answers took
 *   --tcp            over connections: so many as there are lanes
 *   --lanes N        sockets that are in use at a time (3); at an even pace, all are
 *   --window N       queries in flight in each lane (64)
 *   --ports N        client ports: a lane goes from one to the next (32)
 *   --timeout MS     a query without an answer is lost by then (200)
 *   --number AT:N    write N, N + 1, N + 2 … in eight digits at this octet of each query: no name comes twice
 *   --upstream PORT  be the upstream of this server, too, on 127.0.0.1
 *   --sleep          wait for answers asleep, where the server shares this core
 *
 * It prints what it found as JSON. All is done by one thread that never sleeps, in batches of up to 64 messages a
 * system call, so that the limit is the server's. Keep what is in flight below 250 datagrams: a receive buffer of
 * the usual size holds no more. */
#define _GNU_SOURCE
#include "upstream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH = 64,        /* datagrams a system call */
    QUERY = 512,       /* octets of the longest query */
    ANSWER = 4096,     /* octets of the longest answer over UDP */
    STREAM = 1 << 16,  /* octets that are read or written at once over TCP, beside a started message */
    FRAME = 2,         /* octets of the length before a message over TCP */
    HEADER = 12,
    RECORD = 8,        /* octets before each query in a file */
    STAY = 4,          /* windows that a lane asks from one port before it goes to the next */
    EXPIRE_NS = 10 * 1000 * 1000, /* how often lost queries are looked for */
    FILES = 64,
};

enum wrong { NONE, SHORT, ID, FLAGS, TRUNCATED, QUESTION, RCODE, RECORDS, ADDRESS, WRONGS };
static const char *const wrongs[] = {"", "short", "id", "flags", "truncated", "question", "rcode", "records", "address"};

struct group { /* clients, and what they ask */
    uint32_t first, count;
    const uint8_t *begin, *end, *at;
    size_t records;
};

struct slot { /* a query in flight */
    uint64_t since_ns;
    uint32_t address;
    uint16_t id, lost_id, length, asked;
    uint8_t rcode, least;
    bool busy, has_lost;
    uint8_t frame[FRAME + QUERY];
};

struct port {
    int socket;
    struct group *group;
    struct sockaddr_in client;
};

struct lane {
    unsigned port, stay, free, lane;
    struct slot *slots;
    unsigned *spare; /* which slots are free */
    size_t got, left, sent;
    uint8_t *in, *out; /* of a connection */
};

static struct {
    double seconds, rate;
    uint64_t limit, skip, number, timeout_ns;
    unsigned lanes, window, ports, number_at;
    int upstream, server_port;
    bool once, tcp, sleep;
} options = {.seconds = 1, .limit = UINT64_MAX, .lanes = 3, .window = BATCH, .ports = 32,
             .timeout_ns = 200 * 1000000ull, .upstream = -1};

static struct sockaddr_in server;
static struct group groups[FILES];
static struct port *ports;
static struct lane *lanes;
static unsigned group_count, slot_bits;
static uint64_t asked, answers, in_time, lost, late, unsent, reopened, wrong[WRONGS], rcodes[16], behind_ns, upstreamed;
static uint32_t *latencies;
static size_t latency_count, latency_room;
static uint8_t sample[FRAME + QUERY], sample_answer[ANSWER];
static size_t sample_length, sample_answer_length;
static enum wrong sample_why;

static void stop(const char *what)
{
    fprintf(stderr, "generator: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
    exit(2);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void *room(size_t count, size_t octets)
{
    void *made = calloc(count, octets);
    if (made == NULL)
        stop("no memory");
    return made;
}

/* --- What is asked ------------------------------------------------------------------------------------- */

static void read_group(char *word)
{
    struct group *group = &groups[group_count++];
    char *file = strchr(word, '='), *plus;
    struct in_addr first;
    struct stat status;

    if (group_count > FILES || file == NULL)
        stop("clients are given as ADDRESS+COUNT=FILE");
    *file++ = 0;
    if ((plus = strchr(word, '+')) != NULL)
        *plus++ = 0;
    if (inet_pton(AF_INET, word, &first) != 1)
        stop("clients have an IPv4 address");
    group->first = ntohl(first.s_addr);
    group->count = plus != NULL && atoi(plus) > 0 ? (uint32_t)atoi(plus) : 1;
    int opened = open(file, O_RDONLY);
    if (opened < 0 || fstat(opened, &status) != 0 || status.st_size == 0)
        stop(file);
    group->begin = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, opened, 0);
    if (group->begin == MAP_FAILED)
        stop(file);
    close(opened);
    errno = 0;
    group->end = group->begin + status.st_size;
    const uint8_t *at = group->begin;
    for (; at + RECORD <= group->end; group->records++) {
        size_t length = (size_t)(at[0] << 8 | at[1]);
        if (at + RECORD + length > group->end || length > QUERY || question_end(at + RECORD, length) == 0)
            stop("a query is no query, or too long");
        at += RECORD + length;
    }
    if (at != group->end)
        stop("a file ends within a query");
    group->at = group->begin;
    for (uint64_t skipped = 0; skipped < options.skip % group->records; skipped++)
        group->at += RECORD + (size_t)(group->at[0] << 8 | group->at[1]);
}

/* Put the group's next query into the slot, and take the slot. */
static void prepare(struct lane *lane, struct slot *slot, struct group *group)
{
    const uint8_t *at = group->at;
    uint8_t *query = slot->frame + FRAME;

    slot->length = (uint16_t)(at[0] << 8 | at[1]);
    slot->rcode = at[2];
    slot->least = at[3];
    memcpy(&slot->address, at + 4, 4);
    memcpy(slot->frame, at, FRAME);
    memcpy(query, at + RECORD, slot->length);
    group->at = at + RECORD + slot->length == group->end ? group->begin : at + RECORD + slot->length;
    slot->id = (uint16_t)(slot->id + (1u << slot_bits)); /* the low bits say which slot: they stay */
    query[0] = (uint8_t)(slot->id >> 8);
    query[1] = (uint8_t)slot->id;
    if (options.number_at != 0) {
        uint64_t number = options.number++;
        for (unsigned digit = 8; digit-- > 0; number /= 10)
            query[options.number_at + digit] = (uint8_t)('0' + number % 10);
    }
    slot->asked = (uint16_t)question_end(query, slot->length);
    slot->busy = true;
    lane->stay++;
    asked++;
}

/* --- What is answered ---------------------------------------------------------------------------------- */

static enum wrong check(const struct slot *slot, const uint8_t *answer, size_t length)
{
    const uint8_t *at = answer + slot->asked, *end = answer + length;

    if (!(answer[2] & 0x80) || (answer[2] & 0x78) != (slot->frame[FRAME + 2] & 0x78))
        return FLAGS;
    if (answer[2] & 0x02)
        return TRUNCATED;
    if (length < slot->asked || memcmp(answer + 4, slot->frame + FRAME + 4, 2) != 0 ||
        memcmp(answer + HEADER, slot->frame + FRAME + HEADER, (size_t)slot->asked - HEADER) != 0)
        return QUESTION;
    if ((answer[3] & 0x0F) != slot->rcode)
        return RCODE;
    unsigned records = (unsigned)(answer[6] << 8 | answer[7]) + (unsigned)(answer[8] << 8 | answer[9]) +
                       (unsigned)(answer[10] << 8 | answer[11]);
    if ((answer[6] << 8 | answer[7]) < slot->least || at + records * 11 > end) /* no record is shorter */
        return RECORDS;
    if (slot->address == 0)
        return NONE;
    while (at < end && *at != 0 && *at < 0xC0)
        at += 1 + *at;
    at += at < end && *at != 0 ? 2 : 1;
    if (at + 14 > end || memcmp(at, "\0\1\0\1", 4) != 0 || memcmp(at + 8, "\0\4", 2) != 0 ||
        memcmp(at + 10, &slot->address, 4) != 0)
        return ADDRESS;
    return NONE;
}

static void found_wrong(enum wrong why, const struct slot *slot, const uint8_t *answer, size_t length)
{
    if (wrong[why]++ != 0 || sample_why != NONE)
        return;
    sample_why = why;
    sample_length = slot != NULL ? slot->length : 0;
    memcpy(sample, slot != NULL ? slot->frame + FRAME : answer, sample_length);
    sample_answer_length = length < ANSWER ? length : ANSWER;
    memcpy(sample_answer, answer, sample_answer_length);
}

static void release(struct lane *lane, struct slot *slot)
{
    slot->busy = false;
    lane->spare[lane->free++] = (unsigned)(slot - lane->slots);
}

/* Take what may be the answer to one of the lane's queries. */
static void take(struct lane *lane, const uint8_t *answer, size_t length, uint64_t now)
{
    if (length < HEADER) {
        found_wrong(SHORT, NULL, answer, length);
        return;
    }
    unsigned id = (unsigned)(answer[0] << 8 | answer[1]), index = id & ((1u << slot_bits) - 1);
    unsigned first = lane->lane * options.window;
    struct slot *slot = index >= first && index < first + options.window ? &lane->slots[index - first] : NULL;
    if (slot != NULL && slot->has_lost && slot->lost_id == id && !(slot->busy && slot->id == id)) {
        late++;
        return;
    }
    if (slot == NULL || !slot->busy || slot->id != id) {
        found_wrong(ID, NULL, answer, length);
        return;
    }
    enum wrong why = check(slot, answer, length);
    if (why != NONE) {
        found_wrong(why, slot, answer, length);
    } else {
        answers++;
        rcodes[answer[3] & 0x0F]++;
        if (latency_count < latency_room) {
            uint64_t took = now - slot->since_ns;
            latencies[latency_count++] = took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
        }
    }
    release(lane, slot);
}

static void expire(uint64_t now)
{
    for (unsigned i = 0; i < options.lanes; i++)
        for (unsigned j = 0; j < options.window; j++) {
            struct slot *slot = &lanes[i].slots[j];
            if (!slot->busy || now < slot->since_ns + options.timeout_ns)
                continue;
            lost++;
            slot->lost_id = slot->id;
            slot->has_lost = true;
            release(&lanes[i], slot);
        }
}

/* --- Datagrams and connections ------------------------------------------------------------------------- */

static void open_port(struct port *port, unsigned number)
{
    struct group *group = port->group = &groups[number % group_count];
    uint32_t client = group->first + number / group_count % group->count;
    int yes = 1, kind = options.tcp ? SOCK_STREAM : SOCK_DGRAM;

    port->client = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(client)};
    port->socket = socket(AF_INET, kind, 0);
    if (port->socket < 0 || bind(port->socket, (struct sockaddr *)&port->client, sizeof port->client) != 0)
        stop("no socket for a client");
    if (connect(port->socket, (struct sockaddr *)&server, sizeof server) != 0)
        stop("the server cannot be reached");
    if (options.tcp)
        setsockopt(port->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    fcntl(port->socket, F_SETFL, O_NONBLOCK);
}

static void send_datagrams(struct lane *lane, unsigned count)
{
    static struct iovec parts[BATCH];
    static struct mmsghdr messages[BATCH];
    struct port *port = &ports[lane->port];
    uint64_t now = now_ns();

    for (unsigned i = 0; i < count; i++) {
        struct slot *slot = &lane->slots[lane->spare[--lane->free]];
        prepare(lane, slot, port->group);
        slot->since_ns = now;
        parts[i] = (struct iovec){slot->frame + FRAME, slot->length};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    for (unsigned sent = 0; sent < count;) {
        int some = sendmmsg(port->socket, messages + sent, count - sent, 0);
        sent += some > 0 ? (unsigned)some : 1; /* what cannot be sent is lost */
    }
}

static unsigned receive_datagrams(struct lane *lane)
{
    static uint8_t buffers[BATCH][ANSWER];
    static struct iovec parts[BATCH];
    static struct mmsghdr messages[BATCH];

    if (parts[0].iov_len == 0)
        for (unsigned i = 0; i < BATCH; i++) {
            parts[i] = (struct iovec){buffers[i], ANSWER};
            messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
        }
    int got = recvmmsg(ports[lane->port].socket, messages, BATCH, MSG_DONTWAIT, NULL);
    uint64_t now = got > 0 && latency_room != 0 ? now_ns() : 0;
    for (int i = 0; i < got; i++)
        take(lane, buffers[i], messages[i].msg_len, now);
    return got > 0 ? (unsigned)got : 0;
}

/* A connection that the server closed is opened anew; what was in flight is lost. */
static void reopen(struct lane *lane)
{
    close(ports[lane->port].socket);
    open_port(&ports[lane->port], lane->port);
    lane->got = lane->left = lane->sent = 0;
    reopened++;
    for (unsigned i = 0; i < options.window; i++)
        if (lane->slots[i].busy) {
            lost++;
            release(lane, &lane->slots[i]);
        }
}

static void flush(struct lane *lane)
{
    while (lane->sent < lane->left) {
        ssize_t some = send(ports[lane->port].socket, lane->out + lane->sent, lane->left - lane->sent, MSG_NOSIGNAL);
        if (some < 0 && errno != EAGAIN) {
            reopen(lane);
            return;
        }
        if (some < 0)
            return;
        lane->sent += (size_t)some;
    }
    lane->sent = lane->left = 0;
}

static void send_frames(struct lane *lane, unsigned count)
{
    uint64_t now = now_ns();

    for (; count-- > 0 && lane->left + FRAME + QUERY <= STREAM;) {
        struct slot *slot = &lane->slots[lane->spare[--lane->free]];
        prepare(lane, slot, ports[lane->port].group);
        slot->since_ns = now;
        memcpy(lane->out + lane->left, slot->frame, FRAME + slot->length);
        lane->left += FRAME + slot->length;
    }
    flush(lane);
}

static unsigned receive_frames(struct lane *lane)
{
    unsigned taken = 0;
    size_t at = 0;
    ssize_t some = recv(ports[lane->port].socket, lane->in + lane->got, STREAM, 0);

    if (some == 0 || (some < 0 && errno != EAGAIN))
        reopen(lane);
    if (some <= 0)
        return 0;
    uint64_t now = latency_room != 0 ? now_ns() : 0;
    lane->got += (size_t)some;
    for (; lane->got - at >= FRAME; taken++) {
        size_t length = (size_t)(lane->in[at] << 8 | lane->in[at + 1]);
        if (lane->got - at < FRAME + length)
            break;
        take(lane, lane->in + at + FRAME, length, now);
        at += FRAME + length;
    }
    lane->got -= at;
    memmove(lane->in, lane->in + at, lane->got);
    return taken;
}

static void send_some(struct lane *lane, unsigned count)
{
    if ((options.tcp && lane->left != 0) || count == 0)
        return; /* a connection that is full takes no more */
    if (options.tcp)
        send_frames(lane, count);
    else
        send_datagrams(lane, count);
}

static unsigned receive_some(struct lane *lane)
{
    if (options.tcp && lane->left != 0)
        flush(lane);
    if (lane->free == options.window)
        return 0;
    return options.tcp ? receive_frames(lane) : receive_datagrams(lane);
}

/* --- The loop ------------------------------------------------------------------------------------------ */

/* As fast as answers come: a lane that is half empty is filled. One that has asked for long enough from its port is
 * emptied and goes to the next port. */
static void fill(struct lane *lane)
{
    unsigned count = lane->free < BATCH ? lane->free : BATCH;

    if (!options.tcp && lane->stay >= STAY * options.window) {
        if (lane->free < options.window)
            return;
        lane->port = (lane->port + options.lanes) % options.ports;
        lane->stay = 0;
    }
    if (2 * lane->free < options.window)
        return;
    if (count > options.limit - asked)
        count = (unsigned)(options.limit - asked);
    send_some(lane, count);
}

/* At an even pace: all that is due before the end, each from the next port. What finds no room is counted, and
 * not sent. */
static void pace(uint64_t begun, uint64_t now, uint64_t end)
{
    static uint64_t done;

    for (; done < options.limit; done++) {
        uint64_t due = begun + (uint64_t)((double)done * 1e9 / options.rate);
        struct lane *lane = &lanes[done % options.lanes];
        if (due > now || due >= end)
            return;
        if (now - due > behind_ns)
            behind_ns = now - due;
        if (lane->free == 0 || (options.tcp && lane->left != 0))
            unsent++;
        else
            send_some(lane, 1);
    }
}

static bool idle(void)
{
    for (unsigned i = 0; i < options.lanes; i++)
        if (lanes[i].free < options.window)
            return false;
    return true;
}

static void wait_asleep(void)
{
    static struct pollfd *waiting;

    if (waiting == NULL)
        waiting = room(options.lanes + 1, sizeof *waiting);
    for (unsigned i = 0; i < options.lanes; i++)
        waiting[i] = (struct pollfd){.fd = ports[lanes[i].port].socket, .events = POLLIN};
    waiting[options.lanes] = (struct pollfd){.fd = options.upstream, .events = POLLIN};
    poll(waiting, options.lanes + 1, 1);
}

static double run(void)
{
    uint64_t begun = now_ns(), now = begun, looked = begun, end = begun + (uint64_t)(options.seconds * 1e9);
    bool asking = true;
    double took = 0;

    while (asking || !idle()) {
        unsigned moved = 0;
        for (unsigned i = 0; i < options.lanes; i++) {
            moved += receive_some(&lanes[i]);
            if (asking && options.rate == 0)
                fill(&lanes[i]);
        }
        if (options.upstream >= 0) {
            unsigned some = upstream_answer(options.upstream);
            upstreamed += some;
            moved += some;
        }
        if (moved == 0 && options.sleep)
            wait_asleep();
        now = now_ns();
        if (asking && options.rate != 0)
            pace(begun, now, end);
        if (now - looked > EXPIRE_NS) {
            expire(now);
            looked = now;
        }
        bool done = now >= end || asked >= options.limit;
        if (asking && (now >= end || (done && idle()))) { /* what comes after the end does not count in the rate */
            took = (double)(now - begun) / 1e9;
            in_time = answers;
        }
        asking = asking && !(now >= end || (done && idle()));
    }
    return took;
}

/* --- What it found ------------------------------------------------------------------------------------- */

static int ascending(const void *one, const void *other)
{
    uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;
    return (a > b) - (a < b);
}

static double quantile_us(double share)
{
    size_t index = (size_t)((double)latency_count * share);
    return latencies[index < latency_count ? index : latency_count - 1] / 1e3;
}

static void print_octets(const char *name, const uint8_t *octets, size_t length)
{
    printf(", \"%s\": \"", name);
    for (size_t i = 0; i < length; i++)
        printf("%02x", octets[i]);
    printf("\"");
}

static void report(double took)
{
    struct rusage usage;
    uint64_t all_wrong = 0;

    getrusage(RUSAGE_SELF, &usage);
    double cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                   (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    for (unsigned i = 1; i < WRONGS; i++)
        all_wrong += wrong[i];
    printf("{\"seconds\": %.4f, \"asked\": %lu, \"answers\": %lu, \"per_s\": %.1f, ", took, asked, answers,
           took > 0 ? (double)in_time / took : 0);
    printf("\"lost\": %lu, \"late\": %lu, \"unsent\": %lu, \"reopened\": %lu, ", lost, late, unsent, reopened);
    printf("\"upstream\": %lu, \"cpu_s\": %.4f, \"behind_us\": %.1f, \"wrong\": %lu", upstreamed, cpu_s,
           (double)behind_ns / 1e3, all_wrong);
    printf(", \"why\": {");
    for (unsigned i = 1, some = 0; i < WRONGS; i++)
        if (wrong[i] != 0)
            printf("%s\"%s\": %lu", some++ ? ", " : "", wrongs[i], wrong[i]);
    printf("}, \"rcodes\": {");
    for (unsigned i = 0, some = 0; i < 16; i++)
        if (rcodes[i] != 0)
            printf("%s\"%u\": %lu", some++ ? ", " : "", i, rcodes[i]);
    printf("}");
    if (sample_why != NONE) {
        printf(", \"sample\": {\"why\": \"%s\"", wrongs[sample_why]);
        print_octets("query", sample, sample_length);
        print_octets("answer", sample_answer, sample_answer_length);
        printf("}");
    }
    if (latency_count != 0) {
        qsort(latencies, latency_count, sizeof *latencies, ascending);
        printf(", \"latency_us\": {\"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"most\": %.1f}",
               quantile_us(0.5), quantile_us(0.9), quantile_us(0.99), quantile_us(0.999), quantile_us(1));
    }
    printf("}\n");
}

/* --- Start --------------------------------------------------------------------------------------------- */

enum option_key { SECONDS, LIMIT, ONCE, SKIP, RATE, TCP, LANES, WINDOW, PORTS, TIMEOUT, NUMBER, UPSTREAM, SLEEP };
static const struct option long_options[] = {
    {"seconds", 1, NULL, SECONDS}, {"limit", 1, NULL, LIMIT},       {"once", 0, NULL, ONCE},
    {"skip", 1, NULL, SKIP},       {"rate", 1, NULL, RATE},         {"tcp", 0, NULL, TCP},
    {"lanes", 1, NULL, LANES},     {"window", 1, NULL, WINDOW},     {"ports", 1, NULL, PORTS},
    {"timeout", 1, NULL, TIMEOUT}, {"number", 1, NULL, NUMBER},     {"upstream", 1, NULL, UPSTREAM},
    {"sleep", 0, NULL, SLEEP},     {NULL, 0, NULL, 0},
};

static void read_options(int count, char **words)
{
    for (int key; (key = getopt_long(count, words, "", long_options, NULL)) != -1;)
        switch (key) {
        case SECONDS: options.seconds = atof(optarg); break;
        case LIMIT: options.limit = strtoull(optarg, NULL, 10); break;
        case ONCE: options.once = true; break;
        case SKIP: options.skip = strtoull(optarg, NULL, 10); break;
        case RATE: options.rate = atof(optarg); break;
        case TCP: options.tcp = true; break;
        case LANES: options.lanes = (unsigned)atoi(optarg); break;
        case WINDOW: options.window = (unsigned)atoi(optarg); break;
        case PORTS: options.ports = (unsigned)atoi(optarg); break;
        case TIMEOUT: options.timeout_ns = strtoull(optarg, NULL, 10) * 1000000u; break;
        case NUMBER:
            if (sscanf(optarg, "%u:%lu", &options.number_at, &options.number) != 2)
                stop("--number AT:N");
            break;
        case UPSTREAM:
            if ((options.upstream = upstream_open((uint16_t)atoi(optarg))) < 0)
                stop("the upstream's port");
            break;
        case SLEEP: options.sleep = true; break;
        default: exit(2);
        }
    if (count - optind < 3 || options.lanes == 0 || options.window == 0 || options.ports == 0)
        stop("generator [OPTION…] SERVER PORT ADDRESS[+COUNT]=FILE…");
}

int main(int count, char **words)
{
    struct rlimit files;
    uint64_t records = 0;

    read_options(count, words);
    server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(words[optind + 1]))};
    if (inet_pton(AF_INET, words[optind], &server.sin_addr) != 1)
        stop("a server has an IPv4 address");
    for (int i = optind + 2; i < count; i++) {
        read_group(words[i]);
        records += groups[group_count - 1].records;
    }
    if (options.once)
        options.limit = records;
    if (options.rate != 0) {
        options.lanes = options.tcp ? options.lanes : options.ports;
        latency_room = (size_t)(options.rate * options.seconds) + 1;
        latencies = room(latency_room, sizeof *latencies);
    }
    if (options.tcp)
        options.ports = options.lanes;
    options.ports = (options.ports + options.lanes - 1) / options.lanes * options.lanes;
    for (; 1u << slot_bits < options.lanes * options.window; slot_bits++)
        if (slot_bits == 14)
            stop("no more than 16384 queries can be in flight");
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);

    ports = room(options.ports, sizeof *ports);
    lanes = room(options.lanes, sizeof *lanes);
    for (unsigned i = 0; i < options.ports; i++)
        open_port(&ports[i], i);
    for (unsigned i = 0; i < options.lanes; i++) {
        struct lane *lane = &lanes[i];
        lane->lane = lane->port = i;
        lane->slots = room(options.window, sizeof *lane->slots);
        lane->spare = room(options.window, sizeof *lane->spare);
        lane->in = options.tcp ? room(1, 2 * STREAM + FRAME) : NULL;
        lane->out = options.tcp ? room(1, STREAM) : NULL;
        for (unsigned j = 0; j < options.window; j++) {
            lane->slots[j].id = (uint16_t)(i * options.window + j);
            lane->spare[lane->free++] = j;
        }
    }
    report(run());
    return 0;
}
