// OpenAPI: the table of routes and the fields of their answers as one document (OpenAPI 3.1).
#pragma once

#include <boost/json/object.hpp>

namespace fettle::serve {

boost::json::object openapi_document();

}  // namespace fettle::serve
