// Database: one SQLite file that survives crashes, garbage and newer programs. The only door to SQLite.
//
// A purpose hands in its schema as a list of steps. The file is never overwritten when it is broken: it is
// set aside under ".corrupt-N" (the newest three are kept) and an empty one takes its place, with a finding
// that says so.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/finding.h"
#include "base/result.h"
#include "system/files.h"

struct sqlite3;
struct sqlite3_stmt;

namespace fettle::store {

struct Schema {
  std::uint32_t application_id = 0;  // tells our file from another program's; never 0
  std::span<const std::string_view>
      steps;  // step n brings user_version from n to n + 1; steps are never edited
};

// One row of parameters in, rows of columns out. Columns and parameters count from 0.
class Statement {
 public:
  Statement& bind(int parameter, std::int64_t value);
  Statement& bind(int parameter, std::string_view value);

  // true while there is a row.
  Result<bool> next();
  // For statements without rows.
  Result<void> run();

  std::int64_t number(int column) const;
  std::string text(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bind_error_ = 0;
};

class Database {
 public:
  struct Opened;

  // Makes the file (0640) and missing parents when there is none. Durable: WAL, synchronous=FULL, busy
  // timeout 5 s. A file of a newer program is opened for reading only, with a finding. An error is a failure
  // of the system (denied, no space, busy), never a broken file.
  static Result<Opened> open(const system::Files& files, std::string_view path, const Schema& schema);

  bool writable() const { return writable_; }

  Result<Statement> prepare(std::string_view sql) const;
  // Several statements without parameters.
  Result<void> execute(std::string_view sql) const;

  // All of `work` or nothing of it. Not nested.
  Result<void> transaction(const std::function<Result<void>()>& work) const;

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  std::unique_ptr<sqlite3, Close> handle_;
  bool writable_ = true;

  friend class Opener;
};

struct Database::Opened {
  Database database;
  std::vector<Finding> findings;  // empty when all was well
};

}  // namespace fettle::store
