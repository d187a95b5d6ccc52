package cloudapi

import (
	"net/http"

	"steth/lab/scenario"
)

// imageID is the one image, of which every server is said to be made.
var imageID = scenario.ID("image", "namespace")

func (a *API) routeImage() {
	a.mux.HandleFunc("GET /image", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, http.StatusMultipleChoices, object{"versions": []object{{"id": "v2.9", "status": "CURRENT", "links": links(a.url + "/image/v2/")}}})
	})
	image := func() object {
		return object{
			"id": imageID, "name": "namespace", "status": "active", "visibility": "public", "container_format": "bare", "disk_format": "raw",
			"size": 0, "min_disk": 0, "min_ram": 0, "protected": false, "owner": a.cloud.Projects[0].ID, "tags": []string{},
			"created_at": stamp(a.started), "updated_at": stamp(a.started), "self": "/v2/images/" + imageID, "schema": "/v2/schemas/image",
		}
	}
	a.mux.HandleFunc("GET /image/v2/images", a.authenticated(func(w http.ResponseWriter, _ *http.Request, _ caller) {
		respond(w, http.StatusOK, object{"images": []object{image()}, "first": "/v2/images", "schema": "/v2/schemas/images"})
	}))
	a.mux.HandleFunc("GET /image/v2/images/{id}", a.authenticated(func(w http.ResponseWriter, r *http.Request, _ caller) {
		if r.PathValue("id") != imageID {
			http.Error(w, "No image found with ID "+r.PathValue("id"), http.StatusNotFound)
			return
		}
		respond(w, http.StatusOK, image())
	}))
}
