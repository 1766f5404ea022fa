/* CTC prefix beam search over a grammar's graph. asr/search/decoder.py says what it means and calls it.
 *
 * Scores are probabilities, scaled by the best of each frame, so that merging is an addition; what
 * is out of a double's range is far below the beam. Memory is kept from call to call, by thread: to
 * ask for it anew cost as much as the search.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define AHEAD 16            /* moves: a busy frame's table is larger than the cache */
#define SURE_BLANK (-0.002f) /* log probability of a blank above which no unit is tried */

typedef struct {
    int32_t nodes, states;
    const int32_t *unit;   /* nodes */
    const int32_t *state;  /* nodes: where each leads */
    const int32_t *first;  /* states + 1 */
    const int32_t *target; /* arcs; -1 is the end */
    const double *weight;  /* arcs, a probability */
    const int32_t *output; /* arcs */
    const uint64_t *scale; /* outputs: the hash of "a text, then this output" is */
    const uint64_t *add;   /* outputs: hash * scale + add */
} Graph;

typedef struct {
    uint64_t value; /* hash of the value so far */
    int32_t node;   /* -1 at the start */
    int32_t trace;  /* index into the trail; of a hypothesis just made: its parent's */
    int32_t arc;    /* the arc just taken, -1: none in this frame */
    double blank, voiced, strongest;
} Hypothesis;

typedef struct { int32_t parent, arc, frame; } Step;
typedef struct { int32_t arc; double heard; } Heard;
typedef struct { double score; uint64_t value; int32_t trace, end; } Found;
typedef struct { uint64_t key; uint32_t stamp; int32_t index; } Slot;

/* Growing arrays: `room` makes place for one more; 0 when memory is out. */
#define ARRAY(type) struct { type *at; size_t size, space; }
#define room(array) ((array).size < (array).space || \
    grow((void **)&(array).at, &(array).space, sizeof *(array).at))

static int grow(void **at, size_t *space, size_t item) {
    size_t wanted = *space ? *space * 2 : 1024;
    void *more = realloc(*at, wanted * item);
    if (!more) return 0;
    *at = more;
    *space = wanted;
    return 1;
}

typedef ARRAY(Hypothesis) Hypotheses;

typedef struct {
    const Graph *graph;
    Hypotheses now, next, made;
    ARRAY(Found) all, merged;
    ARRAY(Step) trail;
    ARRAY(Heard) heard;          /* this frame's arcs that are not hopeless, by state */
    uint32_t *seen;              /* states: the stamp at which `from` and `to` were set */
    int32_t *from, *to;          /* states: into `heard` */
    size_t state_space, unit_space;
    Slot *slots;                 /* hash table over `next` */
    size_t slot_count;           /* a power of two */
    uint32_t stamp;
    double *order;               /* for the selection */
    size_t order_space;
    double *odds;                /* units: this frame's probabilities */
} Search;

/* What (value, node) is known by: 64 bits, as good as itself. */
static uint64_t key_of(uint64_t value, int32_t node) {
    uint64_t mixed = (value ^ (uint64_t)(uint32_t)node * 0x9E3779B97F4A7C15u) * 0xD6E8FEB86659FD93u;
    return mixed ^ mixed >> 32;
}

/* The place of a key in the table: where it is, or where it would be put. */
static Slot *find(const Search *s, uint64_t key) {
    for (size_t at = key & (s->slot_count - 1);; at = (at + 1) & (s->slot_count - 1)) {
        Slot *slot = &s->slots[at];
        if (slot->stamp != s->stamp || slot->key == key) return slot;
    }
}

static int rehash(Search *s, size_t wanted) {
    Slot *slots = calloc(wanted, sizeof *slots);
    if (!slots) return 0;
    free(s->slots);
    s->slots = slots;
    s->slot_count = wanted;
    for (size_t i = 0; i < s->next.size; i++) {
        uint64_t key = key_of(s->next.at[i].value, s->next.at[i].node);
        *find(s, key) = (Slot){key, s->stamp, (int32_t)i};
    }
    return 1;
}

/* Adds a hypothesis to `next`, or its score to the one that means the same at the same node. */
static int put(Search *s, Hypothesis h) {
    if (s->next.size * 2 >= s->slot_count && !rehash(s, s->slot_count * 2)) return 0;
    uint64_t key = key_of(h.value, h.node);
    Slot *slot = find(s, key);
    if (slot->stamp == s->stamp) {
        Hypothesis *same = &s->next.at[slot->index];
        same->blank += h.blank;
        same->voiced += h.voiced;
        if (h.strongest > same->strongest) {
            same->strongest = h.strongest;
            same->trace = h.trace;
            same->arc = h.arc;
        }
        return 1;
    }
    if (!room(s->next)) return 0;
    *slot = (Slot){key, s->stamp, (int32_t)s->next.size};
    s->next.at[s->next.size++] = h;
    return 1;
}

/* Sets from/to of a state: its arcs that the likeliest hypothesis could take above the floor. */
static int listen(Search *s, int32_t state, double least) {
    const Graph *g = s->graph;
    s->seen[state] = s->stamp;
    s->from[state] = (int32_t)s->heard.size;
    for (int32_t arc = g->first[state]; arc < g->first[state + 1]; arc++) {
        if (g->target[arc] < 0) continue;
        double heard = s->odds[g->unit[g->target[arc]]] * g->weight[arc];
        if (heard <= least) continue;
        if (!room(s->heard)) return 0;
        s->heard.at[s->heard.size++] = (Heard){arc, heard};
    }
    s->to[state] = (int32_t)s->heard.size;
    return 1;
}

/* Puts every move that ends above `floor` into `next`. */
static int move(Search *s, double floor, double highest) {
    const Graph *g = s->graph;
    s->heard.size = s->made.size = 0;
    for (size_t i = 0; i < s->now.size; i++) {
        const Hypothesis *h = &s->now.at[i];
        double total = h->blank + h->voiced;
        int32_t state = h->node < 0 ? 0 : g->state[h->node];
        int32_t before = h->node < 0 ? -1 : g->unit[h->node];
        if (s->seen[state] != s->stamp && !listen(s, state, floor / highest)) return 0;
        for (int32_t k = s->from[state]; k < s->to[state]; k++) {
            int32_t arc = s->heard.at[k].arc, node = g->target[arc];
            double score = s->heard.at[k].heard * (g->unit[node] == before ? h->blank : total);
            if (score <= floor) continue;
            int32_t said = g->output[arc];
            uint64_t value = h->value * g->scale[said] + g->add[said];
            if (!room(s->made)) return 0;
            s->made.at[s->made.size++] =
                (Hypothesis){value, node, h->trace, arc, 0.0, score, score};
        }
    }
    for (size_t i = 0; i < s->made.size; i++) {
        if (i + AHEAD < s->made.size) {
            const Hypothesis *later = &s->made.at[i + AHEAD];
            __builtin_prefetch(&s->slots[key_of(later->value, later->node) & (s->slot_count - 1)]);
        }
        if (!put(s, s->made.at[i])) return 0;
    }
    return 1;
}

/* The rank-th largest of `values` (from 1), which are put in another order. */
static double ranked(double *values, size_t size, size_t rank) {
    ptrdiff_t low = 0, high = (ptrdiff_t)size - 1, wanted = (ptrdiff_t)rank - 1;
    while (low < high) {
        double pivot = values[low + (high - low) / 2];
        ptrdiff_t i = low, j = high;
        while (i <= j) {
            while (values[i] > pivot) i++;
            while (values[j] < pivot) j--;
            if (i <= j) {
                double swap = values[i];
                values[i++] = values[j];
                values[j--] = swap;
            }
        }
        if (wanted <= j) high = j;
        else if (wanted >= i) low = i;
        else break;
    }
    return values[wanted];
}

/* Keeps the best of `next`, scaled to 1, as `now`; gives the scale, 0: nothing left, -1: no memory. */
static double prune(Search *s, int32_t frame, size_t beam, double share) {
    double top = 0.0;
    if (s->order_space < s->next.size) {
        double *more = realloc(s->order, s->next.space * sizeof *more);
        if (!more) return -1.0;
        s->order = more;
        s->order_space = s->next.space;
    }
    for (size_t i = 0; i < s->next.size; i++) {
        s->order[i] = s->next.at[i].blank + s->next.at[i].voiced;
        if (s->order[i] > top) top = s->order[i];
    }
    s->now.size = 0;
    if (!(top > 0.0)) return 0.0;
    double floor = top * share;
    if (s->next.size > beam) {
        double last = ranked(s->order, s->next.size, beam);
        if (last > floor) floor = last;
    }
    for (size_t i = 0; i < s->next.size; i++) {
        Hypothesis h = s->next.at[i];
        if (h.blank + h.voiced < floor) continue;
        if (h.arc >= 0) {
            if (!room(s->trail)) return -1.0;
            s->trail.at[s->trail.size] = (Step){h.trace, h.arc, frame};
            h.trace = (int32_t)s->trail.size++;
            h.arc = -1;
        }
        h.blank /= top;
        h.voiced /= top;
        if (!room(s->now)) return -1.0;
        s->now.at[s->now.size++] = h;
    }
    return top;
}

/* An empty table: a new stamp, and all old ones forgotten when the stamps are used up. */
static void renew(Search *s) {
    if (++s->stamp) return;
    memset(s->slots, 0, s->slot_count * sizeof *s->slots);
    memset(s->seen, 0, s->state_space * sizeof *s->seen);
    s->stamp = 1;
}

/* One frame: everything stays, what can moves. Returns as prune does. */
static double step(Search *s, int32_t frame, float blank, size_t beam, double share) {
    const Graph *g = s->graph;
    double best = 0.0, highest = 0.0;
    s->next.size = 0;
    renew(s);
    for (size_t i = 0; i < s->now.size; i++) {
        Hypothesis h = s->now.at[i];
        double total = h.blank + h.voiced;
        if (total > highest) highest = total;
        h.blank = total * s->odds[0];
        h.voiced = h.node < 0 ? 0.0 : h.voiced * s->odds[g->unit[h.node]];
        h.strongest = h.blank > h.voiced ? h.blank : h.voiced;
        if (h.blank + h.voiced > best) best = h.blank + h.voiced;
        if (!put(s, h)) return -1.0;
    }
    if (blank < SURE_BLANK && !move(s, best * share, highest))
        return -1.0;
    return prune(s, frame, beam, share);
}

static int by_score(const void *one, const void *other) {
    double a = ((const Found *)one)->score, b = ((const Found *)other)->score;
    return (a < b) - (a > b);
}

/* Values with their scores out of the last hypotheses; the best trace of each stands for it. */
static int gather(Search *s) {
    const Graph *g = s->graph;
    s->all.size = s->merged.size = s->next.size = 0;
    for (size_t i = 0; i < s->now.size; i++) {
        const Hypothesis *h = &s->now.at[i];
        double total = h->blank + h->voiced;
        int ended = 0;
        for (int32_t arc = h->node < 0 ? 0 : g->first[g->state[h->node]];
             h->node >= 0 && arc < g->first[g->state[h->node] + 1]; arc++) {
            if (g->target[arc] >= 0) continue;
            uint64_t value = h->value * g->scale[g->output[arc]] + g->add[g->output[arc]];
            if (!room(s->all)) return 0;
            s->all.at[s->all.size++] = (Found){total * g->weight[arc], value, h->trace, arc};
            ended = 1;
        }
        if (ended) continue;
        if (!room(s->all)) return 0;
        s->all.at[s->all.size++] = (Found){total, h->value, h->trace, -1};
    }
    qsort(s->all.at, s->all.size, sizeof *s->all.at, by_score);
    renew(s);
    for (size_t i = 0; i < s->all.size; i++) {
        /* Whole and unfinished values do not meet: what they are stands where a node would. */
        Hypothesis kind = {.value = s->all.at[i].value, .node = s->all.at[i].end < 0};
        size_t before = s->next.size;
        if (!put(s, kind)) return 0;
        if (s->next.size > before) {
            if (!room(s->merged)) return 0;
            s->merged.at[s->merged.size++] = s->all.at[i];
        } else {
            Slot *slot = find(s, key_of(kind.value, kind.node));
            s->merged.at[slot->index].score += s->all.at[i].score;
        }
    }
    qsort(s->merged.at, s->merged.size, sizeof *s->merged.at, by_score);
    return 1;
}

/* Writes the steps of a trace in the order they were taken; gives their number. */
static int32_t unwind(const Search *s, int32_t trace, int32_t *nodes, int32_t *frames,
                      int32_t *outputs) {
    int32_t length = 0;
    for (int32_t t = trace; t > 0; t = s->trail.at[t].parent) length++;
    int32_t at = length;
    for (int32_t t = trace; t > 0; t = s->trail.at[t].parent) {
        Step taken = s->trail.at[t];
        nodes[--at] = s->graph->target[taken.arc];
        frames[at] = taken.frame;
        outputs[at] = s->graph->output[taken.arc];
    }
    return length;
}

static int prepare(Search *s, const Graph *graph, int32_t units) {
    size_t states = (size_t)graph->states;
    s->graph = graph;
    s->now.size = s->next.size = s->trail.size = 0;
    if (s->state_space < states) {
        free(s->seen), free(s->from), free(s->to);
        s->seen = calloc(states, sizeof *s->seen);
        s->from = malloc(states * sizeof *s->from);
        s->to = malloc(states * sizeof *s->to);
        s->state_space = s->seen && s->from && s->to ? states : 0;
        if (!s->state_space) return 0;
    }
    if (s->unit_space < (size_t)units) {
        free(s->odds);
        s->odds = malloc((size_t)units * sizeof *s->odds);
        s->unit_space = s->odds ? (size_t)units : 0;
        if (!s->odds) return 0;
    }
    if (!s->slots && !rehash(s, 16384)) return 0;
    renew(s);
    memset(s->seen, 0, states * sizeof *s->seen); /* another graph's */
    if (!room(s->trail) || !room(s->now)) return 0;
    s->trail.at[s->trail.size++] = (Step){-1, -1, -1};
    s->now.at[s->now.size++] = (Hypothesis){0, -1, 0, -1, 1.0, 0.0, 1.0};
    return 1;
}

/* scores: frames x units, natural logs. Fills up to `count` paths, best first: their log scores, the
 * outputs of their arcs to the end (-1: unfinished), and how many steps; `nodes`, `at_frames` and
 * `outputs` have place for count x frames and take all steps, one path's after another's.
 * Returns how many paths, -1: out of memory. */
int32_t beam_search(const Graph *graph, const float *scores, int32_t frames, int32_t units,
                    int32_t beam, double width, int32_t count, double *log_score, int32_t *end,
                    int32_t *length, int32_t *nodes, int32_t *at_frames, int32_t *outputs) {
    static _Thread_local Search *kept;
    if (!kept && !(kept = calloc(1, sizeof *kept))) return -1;
    Search *s = kept;
    double scale = 0.0, share = exp(-width);
    if (!prepare(s, graph, units)) return -1;
    for (int32_t frame = 0; frame < frames && s->now.size; frame++) {
        const float *row = scores + (size_t)frame * units;
        float top = row[0];
        for (int32_t unit = 1; unit < units; unit++) top = row[unit] > top ? row[unit] : top;
        for (int32_t unit = 0; unit < units; unit++) s->odds[unit] = exp((double)row[unit] - top);
        double left = step(s, frame, row[0], (size_t)beam, share);
        if (left < 0.0) return -1;
        if (left > 0.0) scale += log(left) + top;
    }
    if (!gather(s)) return -1;
    size_t steps = 0, made = s->merged.size < (size_t)count ? s->merged.size : (size_t)count;
    for (size_t i = 0; i < made; i++) {
        Found found = s->merged.at[i];
        log_score[i] = log(found.score) + scale;
        end[i] = found.end < 0 ? -1 : graph->output[found.end];
        length[i] = unwind(s, found.trace, nodes + steps, at_frames + steps, outputs + steps);
        steps += (size_t)length[i];
    }
    return (int32_t)made;
}
