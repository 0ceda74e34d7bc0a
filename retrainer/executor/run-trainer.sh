#!/bin/sh
# Runs a trainer so that its end is known whoever is alive to see it: "exit" holds the code once it ended.
# $1 = folder of the attempt, the rest = the command. Only one of these ever works in a folder.
folder=$1
shift
mkdir "$folder/started" 2>/dev/null || exit 75
echo $$ >"$folder/pid.tmp" && mv "$folder/pid.tmp" "$folder/pid"
"$@" >"$folder/log" 2>&1 </dev/null &
child=$!
trap 'kill -TERM "$child" 2>/dev/null' TERM
wait "$child"
code=$?
# A trapped signal ends the first wait while the trainer still writes its checkpoint.
while kill -0 "$child" 2>/dev/null; do
  wait "$child"
  code=$?
done
echo "$code" >"$folder/exit.tmp" && mv "$folder/exit.tmp" "$folder/exit"
