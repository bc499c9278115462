/* The least a read of one row takes: opens a table, selects a row of it, prints its value. */
#include <sqlite3.h>
#include <stdio.h>

int main(int count, char **words) {
    sqlite3 *table;
    sqlite3_stmt *query;
    if (count != 3 || sqlite3_open_v2(words[1], &table, SQLITE_OPEN_READONLY, 0) != SQLITE_OK ||
        sqlite3_prepare_v2(table, "SELECT value FROM plain WHERE name = ?1", -1, &query, 0) ||
        sqlite3_bind_text(query, 1, words[2], -1, SQLITE_STATIC) != SQLITE_OK ||
        sqlite3_step(query) != SQLITE_ROW)
        return 1;
    puts((const char *)sqlite3_column_text(query, 0));
    sqlite3_finalize(query);
    return sqlite3_close(table) != SQLITE_OK;
}
