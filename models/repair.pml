/*
 * Repair, and delivering again: the steps of src/mpmc/repair.rs, and of what consumers do
 * with the messages that a participant left. `whose` is the record's number; its lock is
 * this participant's.
 */

/* Faults. */
#ifdef NO_MARK
#define mark() skip
#else
#define mark() store(held_state[PLACE(whose, place)] = REDELIVERED)
#endif
#ifdef NO_TURN_BITS
#define FITS(read, expected) true
#else
#define FITS(read, expected) ((read) == (expected))
#endif

#define GIVEN held_slot[PLACE(whose, intent_place[whose])]
#define RESULT_TURN (expected_turn[whose] + STEP(intent[whose]))

/* Repair::settle_intent. */
inline settle_intent()
{
    if
    :: intent[whose] != NONE ->
        /* Else it would be reported as corrupt, again and again. */
        assert(intent_turn[whose] == expected_turn[whose]);
        took_place();
        atomic {
            lemma(took == happened[whose]);
            es = (took -> expected_slot[whose] : GIVEN)
        };
#ifndef NO_COMPLETE
        if
        :: took && es != GIVEN ->
            store(
                GIVEN = es;
                held_state[PLACE(whose, intent_place[whose])] = (intent[whose] == DEQUEUE -> MESSAGE : SPARE)
            )
        :: else
        fi;
#endif
#ifndef NO_OWNER_STORE_IN_REPAIR
        store(owner[es] = whose);
#endif
        store(clear(whose))
    :: else
    fi
}

/* Repair::took_place. */
inline took_place()
{
    if
    :: GIVEN == expected_slot[whose] -> took = true
    :: else ->
        d_step { et = turn[intent_entry[whose]]; es = slot[intent_entry[whose]] };
        took = (et == RESULT_TURN && es == GIVEN);
        if
        :: !took && et > RESULT_TURN ->
            /* The entry has moved on. */
#ifdef OWNER_READ_FIRST
            took = (owner[GIVEN] != whose);
            if :: !took -> was_found_by_another() :: else fi
#else
#ifndef NO_JOURNAL_SCAN
            was_found_by_another();
#endif
            if :: !took -> took = (owner[GIVEN] != whose) :: else fi
#endif
        :: else
        fi
    fi
}

/* Repair::was_found_by_another: of each journal the intent is read, then what is expected. */
inline was_found_by_another()
{
    place = 0;
    do
    :: place < PLACES && !took ->
        d_step {
            es = (intent[place] != NONE && intent_entry[place] == intent_entry[whose] && place != whose);
            et = intent_turn[place]
        };
        d_step {
            took = (es && FITS(et, RESULT_TURN) && expected_turn[place] == RESULT_TURN && expected_slot[place] == GIVEN);
            place++
        }
    :: else -> break
    od;
    atomic { place = 0; et = 0; es = 0 }
}

/* Shows the message in held slot `place` of the record to its consumer. */
inline see()
{
    if
    :: d_step {
            es = held_slot[PLACE(whose, place)];
            assert(has[es] == whose);
            es = payload[es];
            assert(es < done[HEAD]);
            assert(!finished[es]);
            assert(held_state[PLACE(whose, place)] == REDELIVERED || !seen[es]);
            seen[es] = true;
            es = 0
        }
    :: killed
    fi
}

inline release()
{
    store(held_state[PLACE(whose, place)] = SPARE; finished[payload[held_slot[PLACE(whose, place)]]] = true)
}

/* Head::reopen: delivers again what is left in the record `of`. */
inline redeliver()
{
    place = 0;
    do
    :: place < HELD ->
        if
        :: held_state[PLACE(whose, place)] != SPARE ->
            mark();
            see();
            release()
        :: else
        fi;
        place++
    :: else -> break
    od;
    place = 0
}
