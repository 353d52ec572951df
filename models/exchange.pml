/*
 * The exchange ring of src/mpmc, with participants and repairers that are killed at any
 * step, for Spin. models/README.md tells what is modelled and what is checked.
 *
 * Each step of a participant is one load, one store or one compare-exchange of a word of
 * the ring, and memory is sequentially consistent: the orders of memory are loom's part.
 * In place of each store and each compare-exchange the participant may be killed. (Loads
 * need no such choice: nobody can tell a participant that was killed before a load from
 * one killed behind it.)
 */

/* The ring: entries, places for participants, slots that each of these holds. */
#ifndef CAPACITY
#define CAPACITY 1
#endif
#ifndef PLACES
#define PLACES 2
#endif
#ifndef HELD
#define HELD 2
#endif

/* Who works in it: THREADS threads of OPERATIONS operations each, which CRASHES kills in
 * all strike. The bits of SENDERS, RECEIVERS and FORCERS say which thread does what;
 * whoever was killed starts anew, in any place that is free, with the operations that
 * are left. */
#ifndef THREADS
#define THREADS 2
#endif
#ifndef OPERATIONS
#define OPERATIONS 2
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
#ifndef SENDERS
#define SENDERS 255
#endif
#ifndef RECEIVERS
#define RECEIVERS 255
#endif
#ifndef FORCERS
#define FORCERS 0
#endif

/* Whether this thread does that. The last one does all. */
#define MAY(threads) (((threads) >> id & 1) || id == THREADS)

#include "ring.pml"
#include "repair.pml"

#define IS_SPARE(number, index) (held_state[PLACE(number, index)] == SPARE)
#if HELD == 2
#define SPARES(number) (IS_SPARE(number, 0) + IS_SPARE(number, 1))
#else
#define SPARES(number) (IS_SPARE(number, 0) + IS_SPARE(number, 1) + IS_SPARE(number, 2))
#endif
/* Whether patrol::look_round would take it up. */
#define IS_LEFT(number) (!locked[number] && (attached[number] || SPARES(number) < HELD))

/* So that states that differ only in what is past are one. */
inline forget()
{
    at = 0; et = 0; es = 0; place = 0; took = 0; side = 0
}

inline lock(number)
{
    locked[number] = true;
    whose = number
}

/* Recovers the record that was locked, and lets go of it. */
inline recover()
{
    settle_intent();
    store(attached[whose] = false);
    redeliver();
    d_step { locked[whose] = false; whose = NOBODY; forget() }
}

/* Takes a place that is free, and sets right what its last holder left. */
inline attach()
{
    if
    :: d_step { !locked[0] -> lock(0); me = 0 }
    :: d_step { !locked[1] -> lock(1); me = 1 }
#if PLACES > 2
    :: d_step { !locked[2] -> lock(2); me = 2 }
#endif
    fi;
    settle_intent();
    store(attached[me] = true);
    if
    :: MAY(RECEIVERS) -> redeliver()
    :: else
    fi;
    d_step { whose = NOBODY; forget() }
}

/* Picks a slot to give. */
inline pick_spare()
{
    place = 0;
    do
    :: !IS_SPARE(me, place) -> place++
    :: else -> break
    od
}

/* Writes a message to a slot: nobody else can see it. */
inline write()
{
    d_step {
        pick_spare();
        assert(has[held_slot[PLACE(me, place)]] == me);
        payload[held_slot[PLACE(me, place)]] = UNWRITTEN;
        side = TAIL
    }
}

#ifdef WAITS_FOR_ROOM
#define found_full() skip
#else
#define found_full() break
#endif

inline send()
{
    write();
    do
    :: look();
        if
        :: et == WANTED(at) -> exchange(ENQUEUE); if :: took -> break :: else fi
        :: else -> found_full()
        fi
    od;
    atomic { forget() }
}

inline force()
{
    write();
    do
    :: look();
        if
        :: et == WANTED(at) -> exchange(ENQUEUE)
        :: else -> exchange(DISPLACE)
        fi;
        if :: took -> break :: else fi
    od;
    atomic { forget() }
}

/* Sets `took` if it got a message. */
inline receive()
{
    d_step { pick_spare(); side = HEAD };
    do
    :: look();
        if
        :: et == WANTED(at) -> exchange(DEQUEUE); if :: took -> break :: else fi
        :: else -> took = false; break
        fi
    od;
    if
    :: took -> whose = me; see()
    :: else
    fi;
    atomic { whose = NOBODY; at = 0; et = 0; es = 0; place = 0; side = 0 }
}

/* Releases any of the messages that it holds. */
inline release_one()
{
    if
    :: d_step { !IS_SPARE(me, 0) -> place = 0; whose = me }
    :: d_step { !IS_SPARE(me, 1) -> place = 1; whose = me }
#if HELD > 2
    :: d_step { !IS_SPARE(me, 2) -> place = 2; whose = me }
#endif
    fi;
    release();
    d_step { whose = NOBODY; place = 0 }
}

/* Works, in any order that its roles allow. */
inline work()
{
    do
    :: left > 0 && MAY(SENDERS) && SPARES(me) > 0 -> left--; send()
    :: left > 0 && MAY(FORCERS) && SPARES(me) > 0 -> left--; force()
    :: left > 0 && MAY(RECEIVERS) && SPARES(me) > 1 -> left--; receive(); took = false
    :: MAY(RECEIVERS) && SPARES(me) < HELD -> release_one()
    :: d_step { MAY(RECEIVERS) && IS_LEFT(0) -> lock(0) }; recover()
    :: d_step { MAY(RECEIVERS) && IS_LEFT(1) -> lock(1) }; recover()
#if PLACES > 2
    :: d_step { MAY(RECEIVERS) && IS_LEFT(2) -> lock(2) }; recover()
#endif
    :: left == 0 -> break
    od
}

/* Recovers all, then receives all. */
inline clean_up()
{
    do
    :: d_step { IS_LEFT(0) -> lock(0) }; recover()
    :: d_step { IS_LEFT(1) -> lock(1) }; recover()
#if PLACES > 2
    :: d_step { IS_LEFT(2) -> lock(2) }; recover()
#endif
    :: else -> break
    od;
    do
    :: receive();
        if
        :: took -> took = false; release_one()
        :: else -> break
        fi
    od
}

/* What must hold when all have ended and nothing is left. */
inline check()
{
    atomic {
        assert(done[TAIL] == done[HEAD]);
        /* No message is lost. */
        at = 0;
        do
        :: at < done[TAIL] -> assert(finished[at]); at++
        :: else -> break
        od;
        /* Each slot is named once, by whoever has it. */
        at = 0;
        do
        :: at < CAPACITY -> assert(has[slot[at]] == NOBODY); has[slot[at]] = NAMED; at++
        :: else -> break
        od;
        at = 0;
        do
        :: at < PLACES * HELD -> assert(has[held_slot[at]] == at / HELD); has[held_slot[at]] = NAMED; at++
        :: else -> break
        od;
        forget()
    }
}

/* One thread; number THREADS is the survivor that comes when all others have ended. */
proctype participant(byte id)
{
    byte left = OPERATIONS;
    byte me = NOBODY, whose = NOBODY;
    byte own[2];
    byte at, et, es, place;
    bit side, took;

    if :: id == THREADS -> ended == THREADS :: else fi;
start:
    attach();
    if
    :: id == THREADS -> clean_up(); check(); goto over
    :: else -> work()
    fi;
    /* Detaches; messages that it has not released are left. */
    store(attached[me] = false);
    d_step { locked[me] = false; me = NOBODY; own[TAIL] = 0; own[HEAD] = 0; ended++ };
    goto over;

dead:
    atomic {
        if :: whose != NOBODY -> locked[whose] = false :: else fi;
        locked[me] = false;
        me = NOBODY; whose = NOBODY; own[TAIL] = 0; own[HEAD] = 0;
        forget()
    };
    if
    :: left > 0 || id == THREADS -> goto start
    :: else -> ended++
    fi;
over:
    skip
}

init
{
    byte n;
    d_step {
        do
        :: n < CAPACITY -> slot[n] = n; has[n] = NOBODY; owner[n] = 0; n++
        :: else -> break
        od;
        n = 0;
        do
        :: n < PLACES * HELD ->
            held_slot[n] = CAPACITY + n; has[CAPACITY + n] = n / HELD; owner[CAPACITY + n] = n / HELD;
            n++
        :: else -> break
        od;
        n = 0
    };
    atomic {
        do
        :: n <= THREADS -> run participant(n); n++
        :: else -> break
        od
    }
}
