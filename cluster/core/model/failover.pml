/*
 * The failover rules of one grid as cluster/core performs them, for Spin. Bounds and features come from the file that includes this one;
 * every NO_... takes one rule away. README.md says what is abstracted and how to run it.
 *
 * Nothing is urgent: whatever may happen may also happen later or never. So a lost message is one that nobody delivers, a pause is a
 * controller that does nothing, a transaction of unknown outcome is one that the store applies later or never. Only clocks move by
 * rule: they count whole ticks, and two of them differ by at most 2 ticks, however long they run.
 */
#ifndef N
#define N 2
#endif
#ifndef REVISIONS
#define REVISIONS 3
#endif
/* The most that two clocks differ, in ticks: 2, or 0 where they are equal. The graces are the least that this allows. */
#ifndef DIVERGENCE
#define DIVERGENCE 2
#endif
#ifndef LEASE
#define LEASE 2
#endif
/* Longer than a grace, as in life, so that a solo lease outlives promises. */
#ifndef SOLO_LEASE
#define SOLO_LEASE (LEASE + DIVERGENCE + 1)
#endif
#ifdef NO_GRACE_MARGIN
#define GRACE (LEASE + DIVERGENCE - 1)
#else
#define GRACE (LEASE + DIVERGENCE)
#endif
#ifdef NO_SOLO_GRACE_MARGIN
#define SOLO_GRACE (SOLO_LEASE + DIVERGENCE - 1)
#else
#define SOLO_GRACE (SOLO_LEASE + DIVERGENCE)
#endif
/* Rule 13: promises of an earlier life are void after a grace. */
#ifdef NO_RESTART_WAIT
#define RESTART_WAIT 0
#else
#define RESTART_WAIT GRACE
#endif
#ifdef STALE
#define WAIT_UNCHANGED SOLO_GRACE
#else
#define WAIT_UNCHANGED 0
#endif
#ifndef RESTARTS
#define RESTARTS 0
#endif
#if RESTARTS > 0 || defined(NO_REPEAT)
#define ORPHANS
#endif
/* Who may crash, as a set: a bound for large searches. */
#ifndef CRASHING
#define CRASHING ((1 << N) - 1)
#endif
#define may_crash(i) (c[i].role != DOWN && c[i].life < RESTARTS && (CRASHING & bit(i)) != 0)
#ifndef IN_SYNC_AT_START
#define IN_SYNC_AT_START ((1 << N) - 1)
#endif

/* A member is one life (incarnation) of a node; sets of members are bit masks. */
#define MEMBERS (N * (RESTARTS + 1))
#define bit(m) (1 << (m))
#if RESTARTS > 0
#define self(i) bit(i + N * c[i].life)
#define lives_of(i) (bit(i) | bit(i + N))
#else
#define self(i) bit(i)
#define lives_of(i) bit(i)
#endif
#define is_solo(set) (((set) & ((set) - 1)) == 0)

/* Roles. FOLLOWING is joining or standby: which of them, the record says. */
#define DOWN 0
#define FOLLOWING 1
#define TAKING 2
#define LEADING 3
#define HANDING 4
#define RESIGNED 5
#define leads(i) (c[i].role >= LEADING)

/* A message from a leader, or its acknowledgement on the way back: the age is counted on the leader's clock from the sending. */
#define NOTHING 0
#define MESSAGE 1
#define ACKNOWLEDGEMENT 2
typedef Exchange {
  unsigned state : 2;
  unsigned age : 3;
  unsigned revision : 3;
  unsigned epoch : 3;
  unsigned life : 1;  /* of the one who acknowledged */
  bool x;             /* brings, or acknowledges, the watched frame */
  bool after_x        /* the leader's log holds it, whether or not this message brings it */
};

typedef Resignation { unsigned revision : 3; unsigned epoch : 3; unsigned in_sync : 6; unsigned to : 2; bool x };

/* Narrow fields, because what a state takes in memory bounds the searches. */
typedef Controller {
  unsigned role : 3;
  unsigned life : 1;
  /* The record as known, and since when unchanged; the solo lease by it. */
  unsigned revision : 3;
  unsigned epoch : 3;
  unsigned in_sync : 6;
  unsigned unchanged : 4;
  unsigned solo : 4;
  /* The change that may be applied: none where it expects revision 0. */
  unsigned expects : 3;
  unsigned next_epoch : 3;
  unsigned next_in_sync : 6;
  unsigned next_solo : 4;
  unsigned applied_as : 3;
  bool is_hot;
  unsigned epoch_seen : 3;
  unsigned promise : 3;
  unsigned silent : 3;
  /* Of a leader: what each member's promise is still good for, whose is good, who holds the watched frame. */
  byte lease[MEMBERS];
  unsigned promised : 6;
  unsigned holders : 6;
  unsigned target : 2;
  Resignation sent, got;
  bool x;
#ifdef DISK
  bool is_synced;
#endif
#if RESTARTS > 0
  /* After a restart: epoch of the last frame of an own leadership in the journal; what it continued is there too. */
  unsigned logged : 3;
  /* What the record as known, and the change under way, say: the watched frame was issued. */
  bool tells;
  bool next_tells;
#endif
  Exchange to[N]
};

#if REVISIONS > 6 || MEMBERS > 6 || GRACE > 7 || SOLO_GRACE > 15
#error "wider fields are needed"
#endif

Controller c[N];

/* The store: the record, and transactions under way. A sender may be dead or may have given up: its transaction stays. */
#if RESTARTS > 0
typedef Transaction { unsigned expects : 3; unsigned epoch : 3; unsigned in_sync : 6; bool tells };
bool tells;
#define tells_of(name) name
#else
typedef Transaction { unsigned expects : 3; unsigned epoch : 3; unsigned in_sync : 6 };
#define tells_of(name) false
#endif
byte revision = 1;
byte epoch = 1;
byte in_sync = IN_SYNC_AT_START;
bool is_sent[N];
Transaction orphan[N];

/* The watched frame: any one frame. Who built it, and whether its outputs were issued. */
byte x_epoch;
bool x_issued;
/* Newest leadership that anybody entered. */
byte newest = 1;
/* At most one tick behind. */
bool is_behind[N];

/* For use within one step; cleared at its end. */
byte k, n;
bool is_own, took;
#define done k = 0; n = 0; is_own = false; took = false

/* Rule 3: authority holds in every case that the record may be in. */
#ifdef NO_NEW_EPOCH_ACKNOWLEDGEMENT
#define case_holds(i, set, solo) \
  ((set) == self(i) -> (solo) > 0 : ((((set) & ~(c[i].promised | self(i))) == 0) || (solo) > 0))
#else
#define case_holds(i, set, solo) \
  ((set) == self(i) -> (solo) > 0 : (((set) & ~(c[i].promised | self(i))) == 0))
#endif
#define known_holds(i) case_holds(i, c[i].in_sync, c[i].solo)
#define next_holds(i) (c[i].expects == 0 || case_holds(i, c[i].next_in_sync, c[i].next_solo))
#ifdef NO_GIVING_UP
#define may_command(i) (c[i].role >= LEADING)
#else
#define may_command(i) (c[i].role == LEADING || c[i].role == HANDING)
#endif
#if defined(NO_CASE_NOT_APPLIED)
#define has_authority(i) (may_command(i) && (c[i].expects == 0 -> known_holds(i) : next_holds(i)))
#elif defined(NO_CASE_APPLIED)
#define has_authority(i) (may_command(i) && known_holds(i))
#else
#define has_authority(i) (may_command(i) && known_holds(i) && next_holds(i))
#endif

/* Every member of every case holds the watched frame. */
#if defined(NO_UNION)
#define any_case(i) (c[i].in_sync)
#else
#define any_case(i) (c[i].in_sync | c[i].next_in_sync)
#endif
#ifdef NO_OUTPUT_AFTER_ACKNOWLEDGEMENT
#define is_released(i) true
#else
#define is_released(i) ((any_case(i) & ~(c[i].holders | self(i))) == 0)
#endif
#if defined(NO_SOLO_SYNC) || !defined(DISK)
#define is_durable(i) true
#else
#define is_durable(i) \
  (c[i].is_synced || !(is_solo(c[i].in_sync) || (c[i].expects != 0 && is_solo(c[i].next_in_sync))))
#endif

/* Rule 7: who is added holds everything that was released. */
#ifdef NO_CAUGHT_UP
#define is_caught_up(i, j) true
#else
#define is_caught_up(i, j) \
  (!c[i].x || (x_epoch == c[i].epoch && !is_released(i)) || (c[i].holders & self(j)) != 0)
#endif

/* Planned handover. */
#define is_final_scan_held(i) (!c[i].x || is_released(i))
#ifdef NO_RESIGNED_EPOCH
#define is_of_this_revision(i) true
#define may_hear_resignation(i, j) true
#else
#define is_of_this_revision(i) (c[i].got.revision == c[i].revision && c[i].got.epoch == c[i].epoch)
#define may_hear_resignation(i, j) (c[i].sent.epoch >= c[j].epoch_seen)
#endif
#define is_at_this_sequence(i) (c[i].got.x == c[i].x)

/* Rules 9 and 11. */
#ifdef NO_PROMISE
#define is_free(i) true
#else
#define is_free(i) (c[i].promise == 0)
#endif
#ifdef NO_UNCHANGED
#define is_unchanged(i) true
#else
#define is_unchanged(i) (c[i].unchanged == 0)
#endif

/* Rule 13: the journal of one that led alone holds what was issued. */
#ifdef NO_OWN_LOG
#define has_own_log(i) true
#else
#define has_own_log(i) (c[i].logged == c[i].epoch)
#endif
#ifdef NO_ISSUED_IN_RECORD
#define has_issued(i) true
#else
#define has_issued(i) (!c[i].tells || c[i].x)
#endif

#ifdef NO_INCARNATION
#define is_in_sync(i) ((c[i].in_sync & lives_of(i)) != 0 && c[i].epoch >= c[i].epoch_seen)
#else
#define is_in_sync(i) ((c[i].in_sync & self(i)) != 0 && c[i].epoch >= c[i].epoch_seen)
#endif

inline less(value) {
  if :: value > 0 -> value = value - 1 :: else fi
}

inline clear_change(i) {
  c[i].expects = 0; c[i].next_epoch = 0; c[i].next_in_sync = 0; c[i].next_solo = 0; c[i].applied_as = 0; c[i].is_hot = false;
#if RESTARTS > 0
  c[i].next_tells = false;
#endif
  is_sent[i] = false
}

inline clear_exchange(from, into) {
  c[from].to[into].state = NOTHING; c[from].to[into].age = 0; c[from].to[into].revision = 0; c[from].to[into].epoch = 0;
  c[from].to[into].life = 0; c[from].to[into].x = false; c[from].to[into].after_x = false
}

inline clear_leading(i) {
  for (k : 0 .. MEMBERS - 1) { c[i].lease[k] = 0 }
  for (k : 0 .. N - 1) { if :: c[i].to[k].state == ACKNOWLEDGEMENT -> clear_exchange(i, k) :: else fi }
  c[i].promised = 0; c[i].holders = 0; c[i].target = 0; c[i].solo = 0
}

/* Messages of older leaders would be dropped when they arrive; dropping them now saves states. */
inline see_epoch(i, seen) {
  if
  :: seen > c[i].epoch_seen ->
     c[i].epoch_seen = seen;
     for (k : 0 .. N - 1) {
       if :: c[k].to[i].state == MESSAGE && c[k].to[i].epoch < seen -> clear_exchange(k, i) :: else fi
     }
  :: else
  fi
}

inline clear_resignation(i) {
  c[i].got.revision = 0; c[i].got.epoch = 0; c[i].got.in_sync = 0; c[i].got.to = 0; c[i].got.x = false
}

inline clear_orphan(i) {
#if RESTARTS > 0
  orphan[i].tells = false;
#endif
  orphan[i].expects = 0; orphan[i].epoch = 0; orphan[i].in_sync = 0
}

/* The sender is gone, or has forgotten the change; the store may still apply it. */
inline abandon_change(i) {
  if
  :: is_sent[i] ->
#if RESTARTS > 0
     orphan[i].tells = c[i].next_tells;
#endif
     orphan[i].expects = c[i].expects; orphan[i].epoch = c[i].next_epoch; orphan[i].in_sync = c[i].next_in_sync
  :: else
  fi;
  clear_change(i)
}

/* What was on its way to this node is lost; what it sent is not. */
inline crash(i) {
  printf("n%d crashes\n", i);
  abandon_change(i); clear_leading(i); clear_resignation(i);
  c[i].role = DOWN; c[i].revision = 0; c[i].epoch = 0; c[i].in_sync = 0; c[i].unchanged = 0; c[i].epoch_seen = 0;
  c[i].promise = 0; c[i].silent = 0;
#if RESTARTS > 0
  c[i].tells = false;
#endif
  for (k : 0 .. N - 1) {
    if :: c[i].to[k].state == ACKNOWLEDGEMENT -> clear_exchange(i, k) :: else fi;
    if :: c[k].to[i].state == MESSAGE -> clear_exchange(k, i) :: else fi
  }
}

/* One tick of one clock. */
inline advance(i) {
  less(c[i].promise); less(c[i].unchanged); less(c[i].solo); less(c[i].next_solo);
  for (k : 0 .. MEMBERS - 1) {
    if
    :: c[i].lease[k] > 0 ->
       c[i].lease[k]--;
       if :: c[i].lease[k] == 0 -> c[i].promised = c[i].promised & ~bit(k) :: else fi
    :: else
    fi
  }
  for (k : 0 .. N - 1) {
    if :: c[i].to[k].state != NOTHING && c[i].to[k].age < LEASE -> c[i].to[k].age++ :: else fi;
#ifndef NO_LEASE_FROM_SENDING
    if :: c[i].to[k].state == ACKNOWLEDGEMENT && c[i].to[k].age == LEASE && !c[i].to[k].x -> clear_exchange(i, k) :: else fi
#endif
  }
}

/* The change is on its way from now on, and may arrive at any time, or never. */
inline propose(i, to_epoch, set) {
  c[i].expects = c[i].revision; c[i].next_epoch = to_epoch; c[i].next_in_sync = set; c[i].applied_as = 0;
  c[i].next_solo = (is_solo(set) -> SOLO_LEASE : 0);
#ifdef NO_NEW_EPOCH_ACKNOWLEDGEMENT
  c[i].next_solo = SOLO_LEASE;
#endif
#if RESTARTS > 0
  c[i].next_tells = (to_epoch == c[i].epoch && x_issued && x_epoch == c[i].epoch);
#endif
  is_sent[i] = true;
  printf("n%d proposes epoch %d, in sync %d, against revision %d\n", i, c[i].next_epoch, c[i].next_in_sync, c[i].expects)
}

/* Rule 9: silent under the revision that the takeover compares with, from now on. */
inline attempt(i, to_epoch, set, hot) {
#ifndef NO_SILENCE
  c[i].silent = c[i].revision;
#endif
  propose(i, to_epoch, set);
  c[i].is_hot = hot;
  clear_leading(i);
  clear_resignation(i);
  c[i].role = TAKING
}

/*
 * Nothing issued is forgotten, but by a stale takeover: that one is alarmed, and what it lacks is void. One that was overtaken before it
 * knew that it leads never has authority, which the monitor checks.
 */
inline become_leader(i) {
  c[i].role = LEADING;
  printf("n%d leads epoch %d, in sync %d, frame %d\n", i, c[i].epoch, c[i].in_sync, c[i].x);
  if
  :: c[i].epoch > newest ->
     newest = c[i].epoch;
     assert(c[i].x || !x_issued || !c[i].is_hot);
     if
     :: !c[i].x && !c[i].is_hot ->
        x_issued = false; x_epoch = 0;
        for (k : 0 .. N - 1) {
          c[k].x = false; c[k].holders = 0;
#ifdef DISK
          c[k].is_synced = false;
#endif
#if RESTARTS > 0
          c[k].tells = false; c[k].next_tells = false; orphan[k].tells = false;
#endif
          c[k].sent.x = false; c[k].got.x = false;
          for (n : 0 .. N - 1) { c[k].to[n].x = false; c[k].to[n].after_x = false }
        }
     :: else
     fi
  :: else
  fi
}

/* Takes up a later record, as a majority showed it. */
inline learn(i, r, e, set, told) {
  printf("n%d learns revision %d: epoch %d, in sync %d\n", i, r, e, set);
  is_own = (c[i].expects != 0 && c[i].applied_as == r);
  took = (is_own && c[i].role == TAKING);
#ifdef NO_SOLO_FROM_SENDING
  c[i].solo = (is_own && is_solo(set) -> SOLO_LEASE : 0);
#else
  c[i].solo = (is_own -> c[i].next_solo : 0);
#endif
  if
  :: leads(i) && e != c[i].epoch -> clear_leading(i); c[i].role = FOLLOWING
  :: c[i].role == TAKING && !took -> c[i].role = FOLLOWING
  :: else
  fi;
  c[i].revision = r; c[i].epoch = e; c[i].in_sync = set;
#if RESTARTS > 0
  c[i].tells = told;
#endif
  see_epoch(i, e);
#ifndef NO_RESIGNED_EPOCH
  if :: c[i].got.revision < r -> clear_resignation(i) :: else fi;
#endif
  if
  :: took -> become_leader(i)
  :: else ->
     if
     :: c[i].role == FOLLOWING ->
        c[i].unchanged = WAIT_UNCHANGED;
        if :: is_in_sync(i) && c[i].promise < GRACE -> c[i].promise = GRACE :: else fi
     :: else
     fi
  fi;
  clear_change(i)
}

/* What the store does with a transaction that arrives: it compares the revision, then sets. */
inline apply(to_epoch, to_set, told) {
  printf("the record moves to revision %d: epoch %d, in sync %d\n", revision + 1, to_epoch, to_set);
  revision++; epoch = to_epoch; in_sync = to_set;
#if RESTARTS > 0
  tells = told;
#endif
  for (k : 0 .. N - 1) {
    if :: is_sent[k] && c[k].expects < revision -> is_sent[k] = false :: else fi;
#ifndef NO_COMPARE
#ifndef NO_RESIGNED_EPOCH
    if :: c[k].sent.revision < revision -> c[k].sent.revision = 0; c[k].sent.epoch = 0; c[k].sent.in_sync = 0; c[k].sent.to = 0; c[k].sent.x = false
       :: else fi;
#endif
    if :: orphan[k].expects != 0 && orphan[k].expects < revision -> clear_orphan(k) :: else fi
#endif
  }
}

/* A leader and one of the others: messages, acknowledgements, and this one's place in the record. */
proctype link(byte i; byte j) {
  do
  /* Rule 1. A message brings the watched frame or does not. The target of a resigned leader hears of it no more. */
  :: d_step { leads(i) && !(c[i].role == RESIGNED && c[i].target == j) ->
       clear_exchange(i, j);
       c[i].to[j].state = MESSAGE; c[i].to[j].revision = c[i].revision; c[i].to[j].epoch = c[i].epoch;
       c[i].to[j].after_x = c[i].x;
       printf("n%d sends a heartbeat to n%d\n", i, j); done }
  :: d_step { leads(i) && c[i].x && !(c[i].role == RESIGNED && c[i].target == j) ->
       clear_exchange(i, j);
       c[i].to[j].state = MESSAGE; c[i].to[j].revision = c[i].revision; c[i].to[j].epoch = c[i].epoch;
       c[i].to[j].after_x = true; c[i].to[j].x = true;
       printf("n%d sends the frame to n%d\n", i, j); done }

  /* Rules 2 and 9: receipt, and a promise, but never under a revision that a takeover was sent against. */
  :: d_step { c[i].to[j].state == MESSAGE && c[j].role != DOWN ->
       printf("n%d hears n%d (epoch %d, revision %d, silent up to %d)\n", j, i, c[i].to[j].epoch, c[i].to[j].revision, c[j].silent);
       if
       :: c[i].to[j].epoch < c[j].epoch_seen || (leads(j) && c[i].to[j].epoch <= c[j].epoch) -> clear_exchange(i, j)
       :: else ->
          if :: leads(j) -> clear_leading(j); clear_change(j); c[j].role = FOLLOWING :: else fi;
#ifndef NO_RESIGNED_EPOCH
          if :: c[i].to[j].epoch > c[j].epoch_seen -> clear_resignation(j) :: else fi;
#endif
          see_epoch(j, c[i].to[j].epoch);
          if
          :: c[j].expects != 0 && (c[i].to[j].epoch > c[j].epoch || c[i].to[j].revision > c[j].expects) ->
             clear_change(j);
             if :: c[j].role == TAKING -> c[j].role = FOLLOWING :: else fi
          :: else
          fi;
          if
          :: c[i].to[j].revision <= c[j].silent -> clear_exchange(i, j)
          :: else ->
             if
             :: c[i].to[j].x && !c[j].x ->
#ifdef DISK
                c[j].is_synced = false;
#endif
                c[j].x = true
             :: else
             fi;
             c[j].promise = GRACE;
             c[i].to[j].state = ACKNOWLEDGEMENT;
#ifdef NO_PREDECESSOR
             c[i].to[j].x = c[i].to[j].after_x;
#else
             c[i].to[j].x = c[j].x && c[i].to[j].after_x;
#endif
             c[i].to[j].life = c[j].life; c[i].to[j].revision = 0; c[i].to[j].after_x = false
          fi
       fi; done }

  /* Rule 2: good for leaseMs from the sending, under the name and in the epoch that it gives. */
  :: d_step { c[i].to[j].state == ACKNOWLEDGEMENT ->
       printf("n%d is acknowledged by n%d (age %d, frame %d)\n", i, j, c[i].to[j].age, c[i].to[j].x);
       if
       :: leads(i) && c[i].to[j].epoch == c[i].epoch ->
          n = j + N * c[i].to[j].life;
#ifdef NO_INCARNATION
          for (k : 0 .. RESTARTS) {
            n = j + N * k;
            c[i].lease[n] = LEASE - c[i].to[j].age;
            if :: c[i].lease[n] > 0 -> c[i].promised = c[i].promised | bit(n) :: else fi;
            if :: c[i].to[j].x -> c[i].holders = c[i].holders | bit(n) :: else fi
          }
#else
#ifdef NO_LEASE_FROM_SENDING
          c[i].to[j].age = 0;
#endif
          if
          :: c[i].lease[n] < LEASE - c[i].to[j].age ->
             c[i].lease[n] = LEASE - c[i].to[j].age;
             c[i].promised = c[i].promised | bit(n)
          :: else
          fi;
          if :: c[i].to[j].x -> c[i].holders = c[i].holders | bit(n) :: else fi
#endif
       :: else
       fi;
       clear_exchange(i, j); done }

#ifdef CHANGES
  /* Rule 7: removing, and adding one that holds all that was released and has just promised. */
  :: d_step { c[i].role == LEADING && c[i].expects == 0 && (c[i].in_sync & lives_of(j)) != 0 ->
       propose(i, c[i].epoch, c[i].in_sync & ~lives_of(j)); done }
  :: d_step { c[i].role == LEADING && c[i].expects == 0 && (c[i].in_sync & self(j)) == 0 && (c[i].promised & self(j)) != 0 &&
       is_caught_up(i, j) ->
       propose(i, c[i].epoch, (c[i].in_sync & ~lives_of(j)) | self(j)); done }
#endif

#ifdef HANDOVERS
  /* Planned handover: not while a change is in flight; one more scan on everybody; then authority is given up for this epoch. */
  :: d_step { c[i].role == LEADING && c[i].expects == 0 && (c[i].in_sync & self(j)) != 0 && has_authority(i) ->
       c[i].role = HANDING; c[i].target = j;
       printf("n%d begins to hand over to n%d\n", i, j); done }
  :: d_step { c[i].role == HANDING && c[i].target == j && is_final_scan_held(i) ->
       c[i].role = RESIGNED;
       c[i].sent.revision = c[i].revision; c[i].sent.epoch = c[i].epoch; c[i].sent.in_sync = c[i].in_sync;
       c[i].sent.to = j; c[i].sent.x = c[i].x;
       printf("n%d resigns in favour of n%d\n", i, j); done }
  :: d_step { c[i].role == HANDING && c[i].target == j ->
       c[i].role = LEADING; c[i].target = 0;
       printf("n%d calls the handover off\n", i); done }
  /* It is sent again and again, and may be late. */
  :: d_step { c[i].sent.revision != 0 && c[j].role == FOLLOWING && c[j].got.revision == 0 && (c[i].sent.in_sync & self(j)) != 0 &&
       may_hear_resignation(i, j) && c[i].sent.to == j ->
       c[j].got.revision = c[i].sent.revision; c[j].got.epoch = c[i].sent.epoch;
       c[j].got.in_sync = c[i].sent.in_sync; c[j].got.x = c[i].sent.x;
       printf("n%d hears that n%d resigned\n", j, i); done }
#endif
  od
}

proctype controller(byte i) {
  do
#ifndef NO_FRAME
  /* The watched frame is built once, and issued under authority when everybody who may be in sync holds it. */
  :: d_step { (c[i].role == LEADING || c[i].role == HANDING) && x_epoch == 0 ->
       c[i].x = true; x_epoch = c[i].epoch;
#ifdef DISK
       c[i].is_synced = false;
#endif
       printf("n%d builds the frame in epoch %d\n", i, x_epoch); done }
  :: d_step { c[i].x && !x_issued && c[i].epoch == x_epoch && has_authority(i) && is_released(i) && is_durable(i) ->
       x_issued = true;
       printf("n%d issues the outputs of the frame in epoch %d\n", i, c[i].epoch);
       for (k : 0 .. N - 1) { assert(!(leads(k) && c[k].epoch > c[i].epoch && !c[k].x)) }; done }
#endif
#ifdef DISK
  :: d_step { c[i].x && !c[i].is_synced -> c[i].is_synced = true; printf("n%d has the frame on disk\n", i); done }
#endif

  /* Rule 9: a standby in sync whose promise has run out. */
  :: d_step { c[i].role == FOLLOWING && c[i].expects == 0 && is_in_sync(i) && is_free(i) ->
       attempt(i, c[i].epoch + 1, self(i), true); done }

#ifdef HANDOVERS
  /* The target of a handover takes over at once, with everybody who holds the last frame. */
  :: d_step { c[i].role == FOLLOWING && c[i].expects == 0 && is_in_sync(i) && c[i].got.revision != 0 &&
       is_of_this_revision(i) && is_at_this_sequence(i) -> attempt(i, c[i].epoch + 1, c[i].got.in_sync & c[i].in_sync, true); done }
  /* It does not lead: the old leader takes over anew. */
  :: d_step { c[i].role == RESIGNED && c[i].expects == 0 -> attempt(i, c[i].epoch + 1, self(i), true); done }
#endif

#ifdef STALE
  /* Rules 11 and 13: nobody in sync is left; with what it has, alarmed. */
  :: d_step { c[i].role == FOLLOWING && c[i].expects == 0 && c[i].revision != 0 && !is_in_sync(i) &&
       (is_solo(c[i].in_sync) || (c[i].in_sync & lives_of(i)) != 0) &&
       is_unchanged(i) && c[i].promise == 0 ->
       n = c[i].epoch;
       if :: c[i].epoch_seen > n -> n = c[i].epoch_seen :: else fi;
       attempt(i, n + 1, self(i), false); done }
#endif
#if RESTARTS > 0
  /* Rule 13: the record names an earlier life alone, and the journal holds what the record says was issued. Not stale. */
  :: d_step { c[i].role == FOLLOWING && c[i].expects == 0 && c[i].revision != 0 && !is_in_sync(i) &&
       is_solo(c[i].in_sync) && (c[i].in_sync & lives_of(i)) != 0 && c[i].promise == 0 && has_own_log(i) && has_issued(i) ->
       n = c[i].epoch;
       if :: c[i].epoch_seen > n -> n = c[i].epoch_seen :: else fi;
       attempt(i, n + 1, self(i), true); done }
#endif
#ifdef CHANGES
  /* Rule 4. */
  :: d_step { c[i].role == LEADING && c[i].expects == 0 && c[i].in_sync == self(i) -> propose(i, c[i].epoch, self(i)); done }
#endif

  /* The answer to the own transaction; a read of the record as it is. */
  :: d_step { c[i].expects != 0 && c[i].applied_as > c[i].revision -> learn(i, c[i].applied_as, c[i].next_epoch, c[i].next_in_sync, tells_of(c[i].next_tells)); done }
  :: d_step { c[i].role != DOWN && revision > c[i].revision -> learn(i, revision, epoch, in_sync, tells_of(tells)); done }

#ifdef NO_REPEAT
  /* Taken as not applied: the change is forgotten, and is still under way. */
  :: d_step { c[i].role == LEADING && c[i].expects != 0 && is_sent[i] && c[i].expects == revision ->
       abandon_change(i); done }
#endif
#ifdef NO_SILENCE_AFTER_UNKNOWN
  :: d_step { c[i].role == TAKING && c[i].silent != 0 -> c[i].silent = 0; printf("n%d gives up waiting, and listens again\n", i); done }
#endif
#ifdef NO_WAIT_FOR_OUTCOME
  /* Unknown is taken as won. */
  :: d_step { c[i].role == TAKING && is_sent[i] ->
       c[i].solo = c[i].next_solo; c[i].epoch = c[i].next_epoch; c[i].in_sync = c[i].next_in_sync; become_leader(i); clear_change(i); done }
#endif

#if RESTARTS > 0
  /*
   * A crash; what the disk did not have is lost, or not. The journal is written in order: where a frame is lost that an own leadership
   * continued, all frames of that leadership are. Its transactions are still under way.
   */
  :: d_step { may_crash(i) -> c[i].logged = (leads(i) -> c[i].epoch : 0); crash(i); done }
  :: d_step { may_crash(i) && c[i].x && !c[i].is_synced ->
       c[i].logged = (leads(i) && x_epoch == c[i].epoch -> c[i].epoch : 0); crash(i); c[i].x = false; done }
  :: d_step { c[i].role == DOWN && c[i].life < RESTARTS -> c[i].life++; c[i].role = FOLLOWING; c[i].promise = RESTART_WAIT; printf("n%d starts again\n", i); done }
#endif
  od
}

/* Whether a transaction finds what it compares with. */
#ifdef NO_COMPARE
#define matches(expected) (revision < REVISIONS)
#else
#define matches(expected) ((expected) == revision && revision < REVISIONS)
#endif

proctype store(byte i) {
  do
  :: d_step { is_sent[i] && matches(c[i].expects) -> apply(c[i].next_epoch, c[i].next_in_sync, tells_of(c[i].next_tells)); c[i].applied_as = revision; is_sent[i] = false; done }
#ifdef ORPHANS
  :: d_step { orphan[i].expects != 0 && matches(orphan[i].expects) -> apply(orphan[i].epoch, orphan[i].in_sync, tells_of(orphan[i].tells)); clear_orphan(i); done }
#endif
  od
}

#if DIVERGENCE > 0
/* Each clock is at most one tick behind true time, so that two of them differ by at most 2. */
proctype clock(byte i) {
  do
  :: d_step { !is_behind[i] ->
       for (n : 0 .. N - 1) { if :: n != i && c[n].role != DOWN -> advance(n) :: else fi };
#ifndef NO_CLOCK_BOUND
       is_behind[i] = true;
#endif
       printf("a tick, not at n%d\n", i); done }
  :: d_step { is_behind[i] -> advance(i); is_behind[i] = false; printf("a tick at n%d alone\n", i); done }
  od
}
#endif

proctype monitor() {
  do
  :: d_step { true -> for (n : 0 .. N - 1) { if :: c[n].role != DOWN -> advance(n) :: else fi }; printf("a tick\n"); done }
  /* Rule 1 of all: no controller has authority once a later leadership has begun. So there are never two. */
  :: d_step { (has_authority(0) && c[0].epoch < newest) || (has_authority(1) && c[1].epoch < newest) ||
       (N > 2 && has_authority(N - 1) && c[N - 1].epoch < newest) ->
       assert(false) }
  od
}

init {
  atomic {
    for (n : 0 .. N - 1) {
      c[n].role = FOLLOWING; c[n].revision = 1; c[n].epoch = 1; c[n].in_sync = IN_SYNC_AT_START; c[n].epoch_seen = 1;
      c[n].unchanged = WAIT_UNCHANGED
    }
    c[0].role = LEADING;
    c[0].unchanged = 0;
    if :: is_solo(IN_SYNC_AT_START) -> c[0].solo = SOLO_LEASE :: else fi;
    run link(0, 1); run link(1, 0);
#if N > 2
    run link(0, 2); run link(2, 0); run link(1, 2); run link(2, 1); run controller(2); run store(2);
#endif
    run controller(0); run controller(1); run store(0); run store(1);
#if DIVERGENCE > 0
    run clock(0); run clock(1);
#if N > 2
    run clock(2);
#endif
#endif
    run monitor()
  }
}
