/*
 * The ring of the model: its words, and the steps of look and exchange. Each step is one
 * load, one store or one compare-exchange.
 */

#define SLOTS (CAPACITY + PLACES * HELD)
/* All that may be sent: by the threads, and by the last one when they have ended. */
#define MESSAGES (THREADS * OPERATIONS + CAPACITY)
#define NOBODY 255
#define NAMED 254

/* What is in a held slot. */
#define SPARE 0
#define MESSAGE 1       /* delivered once */
#define REDELIVERED 2   /* more than once */

/* What is intended. */
#define NONE 0
#define ENQUEUE 1
#define DEQUEUE 2
#define DISPLACE 3
#define STEP(operation) ((operation) == DISPLACE -> 2 : 1)

/* The two sides: the index of hints, cursors and counts. */
#define TAIL 0
#define HEAD 1

/* Shared memory. */
byte turn[CAPACITY], slot[CAPACITY];                /* an entry is one word */
byte hint[2];
byte intent[PLACES], intent_entry[PLACES], intent_place[PLACES], intent_turn[PLACES];
byte expected_turn[PLACES], expected_slot[PLACES];
bit attached[PLACES];
byte held_slot[PLACES * HELD], held_state[PLACES * HELD];
byte owner[SLOTS];
byte payload[SLOTS];

/* The kernel's locks. */
bit locked[PLACES];

/* What only the checks know. */
byte crashes = CRASHES;
byte ended;
byte done[2];               /* how many messages were sent, and received */
byte has[SLOTS];            /* who has a slot: a place, or NOBODY for the ring */
bit happened[PLACES];       /* whether what is intended took place */
bit seen[MESSAGES];         /* delivered, unmarked */
bit finished[MESSAGES];     /* released, or displaced */

#define UNWRITTEN 255

/* What should hold by the way. A fault is to show in what users see, so it goes without. */
#ifdef A_FAULT
#define lemma(condition) skip
#else
#define lemma(condition) assert(condition)
#endif

/* Faults, each of which Spin must find: see exchange.toml. */
#ifdef NO_HELD_STORE
#define store_held(state) skip
#else
#define store_held(state) store(held_slot[PLACE(me, place)] = es; held_state[PLACE(me, place)] = state)
#endif
#ifdef NO_OWNER_STORE
#define store_owner() skip
#else
#define store_owner() store(owner[es] = me)
#endif
#ifdef NO_INTENT_CLEAR
#define clear_done() skip
#else
#define clear_done() store(clear(me))
#endif
#ifdef NO_INTENT_CLEAR_ON_FAILURE
#define clear_failed() skip
#else
#define clear_failed() store(clear(me))
#endif
#ifdef HINT_LEADS
#define SEEN_TAKEN (own[side] + CAPACITY)
#else
#define SEEN_TAKEN own[side]
#endif

#define LAP(position) ((position) / CAPACITY)
#define ENTRY(position) ((position) % CAPACITY)
/* The turn of the entry at a position that this side can take. */
#define WANTED(position) (2 * LAP(position) + side)
#define PLACE(number, index) ((number) * HELD + (index))

/* In place of a store, the participant may be killed. */
#define killed atomic { crashes > 0 -> crashes--; goto dead }
#define store(words) if :: d_step { words } :: killed fi

/* Reads the entry at `at`. Full and Empty are true at the instant of that load. */
inline read_entry()
{
    d_step {
        et = turn[ENTRY(at)];
        es = slot[ENTRY(at)];
        if
        :: et + 1 == WANTED(at) -> assert(done[TAIL] - done[HEAD] == (side == TAIL -> CAPACITY : 0))
        :: else
        fi
    }
}

/* Cursor::look: goes to the first position that is not taken, by way of the hint. It can be
 * taken if the entry's turn is the wanted one; else the ring is full, or empty. */
inline look()
{
    d_step {
        lemma(hint[side] <= done[side]);
        at = (hint[side] > own[side] -> hint[side] : own[side])
    };
    read_entry();
    if
    :: et == WANTED(at) -> own[side] = at
    :: et + 1 == WANTED(at) && at == own[side]
    :: else ->
        do
        :: read_entry();
            if
            :: et > WANTED(at) -> at = at + (et - WANTED(at) - 1) / 2 * CAPACITY + 1
            :: else -> break
            fi
        od;
        atomic { assert(et + 1 >= WANTED(at)); own[side] = at };
        pass_on()
    fi
}

/* Cursor::pass_on. */
inline pass_on()
{
    if
    :: hint[side] < own[side] -> store(hint[side] = SEEN_TAKEN)
    :: else
    fi
}

/* An intent is one word. */
inline clear(number)
{
    intent[number] = NONE;
    intent_entry[number] = 0;
    intent_place[number] = 0;
    intent_turn[number] = 0;
    happened[number] = false
}

#define store_expected() store(expected_turn[me] = et; expected_slot[me] = es)
#define store_intent(operation) store(\
        intent_entry[me] = ENTRY(at); \
        intent_turn[me] = et; \
        intent_place[me] = place; \
        intent[me] = operation; \
        happened[me] = false)

/* Participant::exchange, for the entry that was read at `at`. Sets `took`. */
inline exchange(operation)
{
#ifdef INTENT_FIRST
    store_intent(operation);
    store_expected();
#else
    store_expected();
    store_intent(operation);
#endif
    if
    :: d_step {
            took = (turn[ENTRY(at)] == et && slot[ENTRY(at)] == es);
            if
            :: took -> swap(operation)
            :: else
            fi
        }
    :: killed
    fi;
    if
    :: took ->
        store_held((operation == DEQUEUE -> MESSAGE : SPARE));
#ifdef CLEAR_BEFORE_OWNER
        clear_done();
        store_owner();
#else
        store_owner();
        clear_done();
#endif
        own[side] = at + 1;
        pass_on()
    :: else -> clear_failed()
    fi
}

/* The compare-exchange that finds what was expected, and what it must find. */
inline swap(operation)
{
    turn[ENTRY(at)] = et + STEP(operation);
    slot[ENTRY(at)] = held_slot[PLACE(me, place)];
    happened[me] = true;
    assert(has[slot[ENTRY(at)]] == me);
    has[slot[ENTRY(at)]] = NOBODY;
    assert(has[es] == NOBODY);
    has[es] = me;
    if
    :: operation != ENQUEUE ->
        /* First in, first out. */
        assert(payload[es] == done[HEAD]);
        done[HEAD]++
    :: else
    fi;
    if
    :: operation == DISPLACE -> finished[payload[es]] = true
    :: else
    fi;
    if
    :: operation != DEQUEUE ->
        /* Messages are numbered in the order of their exchanges. */
        assert(payload[slot[ENTRY(at)]] == UNWRITTEN);
        payload[slot[ENTRY(at)]] = done[TAIL];
        done[TAIL]++
    :: else
    fi
}
