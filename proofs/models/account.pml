/* account.pml - charges of a child with a minimum, and of its parent, by one exchange for each
 * (src/arena/account.c), while the minimum moves and a sibling wants the rest.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Properties: the parent's use always covers what the child may use and what the sibling has
 * (monitor), never goes above its maximum, and is exact in the end; everybody comes to an end.
 * BUG 1 raises the child first, 2 does not compare what is passed on, 3 changes the minimum in
 * place, 4 gives back to the parent first, 5 takes no refused charge back.
 */
#ifndef BUG
#define BUG 0
#endif
#define MOST 7
#define SHARE(u, m) ((u) > (m) -> (u) : (m))

byte parent_used, child_used, version, ended;
byte minimum[2], other_held, child_held;

#define NOW_MIN (minimum[version & 1])

inline raise_parent(part, is_refused) {
  is_refused = false;
  do
  :: atomic { parent_used + part > MOST -> is_refused = true; break }
  :: atomic { parent_used + part <= MOST -> parent_used = parent_used + part; break }
  od
}

proctype user(byte size) {
  byte u, v, m, part, now;
  bool is_refused;
again:
  atomic { u = child_used; v = version; m = minimum[v & 1] };
  part = SHARE(u + size, m) - SHARE(u, m);
#if BUG == 1
  atomic { child_used = child_used + size; child_held = child_held + size };
  raise_parent(part, is_refused);
  if
  :: is_refused -> atomic { child_used = child_used - size; child_held = child_held - size }; goto out
  :: else
  fi;
#else
  raise_parent(part, is_refused);
  if
  :: is_refused ->
#if BUG == 5
    atomic { child_used = child_used + size };
#endif
    goto out
  :: else
  fi;
  do
  :: atomic {
#if BUG == 3
       child_used == u ->
#else
       child_used == u && version == v ->
#endif
       child_used = u + size; child_held = child_held + size }; break
  :: atomic {
#if BUG == 3
       child_used != u ->
#else
       child_used != u || version != v ->
#endif
       u = child_used; v = version; m = minimum[v & 1] };
     if
#if BUG != 2
     :: SHARE(u + size, m) - SHARE(u, m) != part -> parent_used = parent_used - part; goto again
#endif
     :: else
     fi
  od;
#endif
  /* gives it back */
#if BUG == 4
  atomic { u = child_used; m = NOW_MIN };
  part = SHARE(u, m) - SHARE(u - size, m);
  parent_used = parent_used - part;
  atomic { child_used = child_used - size; child_held = child_held - size };
#else
  atomic { u = child_used; m = NOW_MIN; now = u - size; child_used = now;
           child_held = child_held - size };
  part = SHARE(u, m) - SHARE(now, m);
  parent_used = parent_used - part;
#endif
out:
  ended++
}

/* Moves the minimum, as wrt_account_set_limits. */
proctype mover(byte next) {
  byte u, v, before, after;
  bool is_refused;
again:
  atomic { u = child_used; v = version; before = SHARE(u, minimum[v & 1]); after = SHARE(u, next) };
  if
  :: after > before ->
    raise_parent(after - before, is_refused);
    if
    :: is_refused -> goto out
    :: else
    fi
  :: else
  fi;
#if BUG == 3
  minimum[v & 1] = next;
  goto switched;
#endif
  minimum[(v + 1) & 1] = next;
  if
  :: atomic { child_used == u && version == v -> version = v + 1 }
  :: atomic { child_used != u || version != v ->
       if
       :: after > before -> parent_used = parent_used - (after - before)
       :: else
       fi };
     goto again
  fi;
switched:
  if
  :: after < before -> parent_used = parent_used - (before - after)
  :: else
  fi;
out:
  ended++
}

/* Charges the parent itself with what is left, for good. */
proctype sibling(byte size) {
  bool is_refused;
  raise_parent(size, is_refused);
  if
  :: !is_refused -> other_held = other_held + size
  :: else
  fi;
  ended++
}

proctype monitor() {
  assert(parent_used <= MOST && parent_used >= other_held + SHARE(child_used, NOW_MIN))
}

init {
  atomic {
    minimum[0] = 3; parent_used = 3;
    run user(2); run user(3); run mover(1); run sibling(2); run monitor()
#ifdef LONG
    ; run user(4)
#endif
  };
#ifdef LONG
  ended == 5;
#else
  ended == 4;
#endif
  assert(child_used == child_held && parent_used == other_held + SHARE(child_used, NOW_MIN))
}
